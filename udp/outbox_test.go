package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

func TestOutboxSendsInOrder(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for _, queue := range []int{0, 1, 64} {
			s := listen(t, f.network, f.local(), udp.WithReadBuffer(1<<20), udp.WithMessageBuffer(1024))
			from := open(t, f.network, udp.WithSendQueue(queue))
			//lint:ignore SA4000 asking twice is the point
			if from.Outbox() != from.Outbox() {
				t.Error("two channels")
			}
			same(t, "capacity", cap(from.Outbox()), queue)
			ended(t, "listening", from.Listening())
			const n = 800
			to := at(t, s)
			spend, earn := credit(t, s, 500)
			sending := begin(func() {
				for i := range n {
					spend()
					from.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i, big(i%5*100)), To: to}
				}
			})
			for i := range n {
				expect(t, s, fmt.Sprint(i, big(i%5*100)))
				earn()
			}
			ended(t, "sender", sending)
			ok(t, from.Flush(t.Context()))
			st := from.Stats()
			same(t, "Sent", st.Sent, n)
			same(t, "SendDropped", st.SendDropped, 0)
		}
	})
}

// Who closes the queue ends it, and nothing else.
func TestUserMayCloseTheOutbox(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	s := dial(t, f.network, of(peer))
	outbox := s.Outbox()
	for i := range 20 {
		outbox <- udp.Datagram{Data: fmt.Append(nil, i)}
	}
	close(outbox)
	ok(t, s.Flush(t.Context()))
	for i := range 20 {
		hear(t, peer, fmt.Sprint(i))
	}
	send(t, s, netip.AddrPort{}, "by hand")
	hear(t, peer, "by hand")
	tell(t, peer, at(t, s), "and back")
	expect(t, s, "and back")
	ok(t, s.Flush(t.Context()))
	door(t, "Close", func() { s.Close() })
	ok(t, s.Err())
	same(t, "SendDropped", s.Stats().SendDropped, 0)
}

// An Outbox of a socket that has ended: nobody receives, and nothing hangs
// that selects with Done.
func TestOutboxAfterTheEnd(t *testing.T) {
	for _, first := range []bool{true, false} {
		s := listen(t, "udp4", "127.0.0.1:0", udp.WithSendQueue(0))
		if first {
			s.Outbox()
		}
		ok(t, s.Close())
		for range 100 {
			select {
			case s.Outbox() <- udp.Datagram{}:
				t.Fatal("somebody receives")
			case <-s.Done():
			}
		}
		fails(t, s.Flush(t.Context()), net.ErrClosed)
	}
}

// Runs of every kind: sizes that grow and shrink, empty ones, two peers.
func TestRunsOfEveryKindArriveUnchanged(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		one := listen(t, f.network, f.local(), udp.WithReadBuffer(4<<20), udp.WithMessageBuffer(4096))
		two := listen(t, f.network, f.local(), udp.WithReadBuffer(4<<20), udp.WithMessageBuffer(4096))
		s := open(t, f.network)
		sizes := []int{100, 100, 100, 40, 100, 0, 100, 100, 200, 200, 0, 0, 1, 1400, 1400, 1400, 7, 9000, 9000, 65507, 1, 1}
		for round := range 12 { // each fits a receive buffer
			var want [2][]string
			var batch []udp.Datagram
			for i, size := range sizes {
				p := fmt.Sprintf("%0*d", size, round)
				if size == 0 {
					p = ""
				}
				k := (i / (1 + round%4)) % 2
				to := []*udp.Socket{one, two}[k]
				want[k] = append(want[k], p)
				batch = append(batch, udp.Datagram{Data: []byte(p), To: at(t, to)})
			}
			for name, send := range map[string]func() error{
				"SendBatch": func() error { _, err := s.SendBatch(t.Context(), batch); return err },
				"Outbox": func() error {
					for _, d := range batch {
						s.Outbox() <- d
					}
					return s.Flush(t.Context())
				},
			} {
				sent := later(send)
				expect(t, one, want[0]...)
				expect(t, two, want[1]...)
				err, _ := take(t, name, sent)
				ok(t, err)
			}
		}
	})
}

// What fails is on Errors, with its destination and size, and costs the others nothing.
//
// Upstream: parallel/test-dgram-send-error.js
func TestQueuedDatagramThatFailsIsReported(t *testing.T) {
	for _, c := range []struct {
		connected bool
		d         udp.Datagram
		want      error
	}{
		{false, udp.Datagram{Data: make([]byte, 70000), To: friend}, syscall.EMSGSIZE},
		{false, udp.Datagram{Data: []byte("abc"), To: netip.AddrPortFrom(friend.Addr(), 0)}, udp.ErrBadPort},
		{false, udp.Datagram{Data: []byte("abc")}, udp.ErrNotConnected},
		{false, udp.Datagram{Data: []byte("abc")}, udp.ErrAddressFamily},
		{false, udp.Datagram{To: netip.AddrPortFrom(netip.Addr{}, 9)}, udp.ErrAddressFamily},
		{false, udp.Datagram{To: friend, From: netip.IPv6Loopback()}, udp.ErrAddressFamily},
		{false, udp.Datagram{To: friend, Interface: -1}, syscall.EINVAL},
		{false, udp.Datagram{Data: []byte("abc"), To: friend}, syscall.EPERM}, // says the kernel
		{true, udp.Datagram{Data: []byte("abc"), To: friend}, udp.ErrAlreadyConnected},
	} {
		simulated(t, func(t *testing.T, s *udp.Socket, k *simConn) {
			good := udp.Datagram{Data: []byte("good"), To: friend}
			if c.connected {
				ok(t, s.Connect(t.Context(), friend.String()))
				good.To = netip.AddrPort{}
			}
			for i, d := range []udp.Datagram{good, c.d, good} {
				k.change(func() { k.deaf = nil })
				if i == 1 && c.want == syscall.EPERM {
					k.change(func() { k.deaf = syscall.EPERM })
				}
				s.Outbox() <- d
				synctest.Wait()
			}
			ok(t, s.Flush(t.Context()))
			same(t, "sent", k.texts(), "[good good]")
			err := <-s.Errors()
			fails(t, err, c.want)
			failed, is := errors.AsType[*udp.SendError](err)
			if !is || failed.To != c.d.To || failed.Bytes != len(c.d.Data) {
				t.Fatalf("%#v", err)
			}
			shaped(t, failed.Err, "send", "")
			st := s.Stats()
			same(t, "SendDropped", st.SendDropped, 1)
			same(t, "Sent", st.Sent, 2)
			same(t, "Errors", st.Errors, 1)
		})
	}
}

// Flush returns when what was queued is sent, or when it is given up, which leaves
// nothing behind, or at the end of the socket.
func TestFlushWaitsForWhatIsQueued(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		flush := func() error { return s.Flush(t.Context()) }
		ok(t, flush()) // nothing was ever queued
		c.change(func() { c.space = 0 })
		for range 50 {
			s.Outbox() <- udp.Datagram{To: friend}
		}
		flushes := []<-chan error{later(flush), later(flush)}
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			fails(t, s.Flush(ctx), context.DeadlineExceeded)
			cancel()
		}
		same(t, "flushes that wait", udp.PendingFlushes(s), 2)
		fails(t, s.Flush(done()), context.Canceled)
		fails(t, s.Flush(nil), syscall.EINVAL)
		for _, f := range flushes {
			empty(t, "Flush", f)
		}
		c.change(func() { c.space = 50 })
		for _, f := range flushes {
			ok(t, <-f)
		}
		same(t, "Sent", s.Stats().Sent, 50)
		ok(t, flush())
		s.Outbox() <- udp.Datagram{To: friend}
		last := later(flush)
		synctest.Wait()
		ok(t, s.Close())
		fails(t, <-last, net.ErrClosed)
	})
}

// The queue is bounded, and known to the datagram; a producer that fills it waits in a
// select of its own. What was never sent is counted at the end.
//
// Upstream: parallel/test-dgram-send-queue-info.js
func TestQueueIsBoundedAndKnown(t *testing.T) {
	for _, queue := range []int{0, 1, 8, 64} {
		for _, flush := range []bool{true, false} {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				c.change(func() { c.space = 0 })
				queued := 0
				for full := false; !full && queued < 1000; synctest.Wait() {
					select {
					case s.Outbox() <- udp.Datagram{To: friend, Data: []byte("12345")}:
						queued++
					default:
						full = queued > 0
					}
				}
				inHand := max(queue, 1)
				same(t, "queued", queued, inHand+queue)
				same(t, "count", s.SendQueueCount(), queued)
				same(t, "size", s.SendQueueSize(), 5*inHand) // what is behind is not measured
				sent := 0
				if flush {
					c.change(func() { c.space = 1 << 10 })
					ok(t, s.Flush(t.Context()))
					sent = queued
				}
				ok(t, s.Close())
				same(t, "count", s.SendQueueCount(), 0)
				same(t, "size", s.SendQueueSize(), 0)
				st := s.Stats()
				same(t, "Sent", st.Sent, uint64(sent))
				same(t, "SendDropped", st.SendDropped, uint64(queued-sent))
			}, udp.WithSendQueue(queue))
		}
	}
}

// Upstream: sequential/test-dgram-implicit-bind-failure.js
func TestOutboxTriesTheBindAgain(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE, syscall.EMFILE)
	s, err := udp.NewOn(k, "udp4")
	mine(t, s, err)
	outbox := s.Outbox() // the first failure
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	shaped(t, err, "bind", "")
	outbox <- udp.Datagram{Data: []byte("lost"), To: friend} // the second
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	if failed, is := errors.AsType[*udp.SendError](err); !is || failed.To != friend || failed.Bytes != 4 {
		t.Errorf("%v", err)
	}
	outbox <- udp.Datagram{Data: []byte("found"), To: friend}
	ok(t, s.Flush(t.Context()))
	same(t, "sent", k.only().texts(), "[found]")
	same(t, "SendDropped", s.Stats().SendDropped, 1)
}

// IPv4 and IPv6 queued before the socket has a family: the first to be bound for
// settles it, and the other is an error.
func TestFamiliesQueuedOnAFreshSocket(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE)
	s, err := udp.NewOn(k, "udp")
	mine(t, s, err)
	out := s.Outbox() // does not get a socket
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	out <- udp.Datagram{Data: []byte("4"), To: friend}
	out <- udp.Datagram{Data: []byte("6"), To: netip.MustParseAddrPort("[2001:db8::1]:9")}
	ok(t, s.Flush(t.Context()))
	err, _ = take(t, "error", s.Errors())
	fails(t, err, udp.ErrAddressFamily)
	same(t, "sent", k.only().texts(), "[4]")
	same(t, "dropped", s.Stats().SendDropped, 1)
}

// Outbox does not wait for a Bind of another goroutine. What is queued meanwhile is sent,
// also when that Bind fails.
func TestOutboxDoesNotWaitForABind(t *testing.T) {
	for _, answers := range [][]netip.Addr{{friend.Addr()}, nil} {
		k := newSimKernel(t)
		asked, answer := make(chan struct{}), make(chan struct{})
		s, err := udp.NewOn(k, "udp4", udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
			close(asked)
			<-answer
			return answers, nil
		}))
		mine(t, s, err)
		bound := later(func() error { return s.Bind(t.Context(), "name:0") })
		ended(t, "lookup", asked)
		door(t, "Outbox", func() {
			for i := range 3 {
				s.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i), To: friend}
			}
		})
		close(answer)
		err, _ = take(t, "Bind", bound)
		same(t, "bound", err == nil, answers != nil)
		ok(t, s.Flush(t.Context()))
		same(t, "sent", k.only().texts(), "[0 1 2]")
		empty(t, "errors", s.Errors())
	}
}
