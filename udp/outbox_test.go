package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel"
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

func TestOutboxOnConnectedSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := dial(t, f.network, of(peer))
		s.Outbox() <- udp.Datagram{Data: []byte("a")}
		s.Outbox() <- udp.Datagram{}
		s.Outbox() <- udp.Datagram{Data: []byte("b"), To: of(peer)} // no destination, not even this one
		s.Outbox() <- udp.Datagram{Data: []byte("c")}
		hear(t, peer, "a", "", "c")
		err, _ := take(t, "error", s.Errors())
		fails(t, err, udp.ErrAlreadyConnected, syscall.EISCONN)
		var failed *udp.SendError
		if !errors.As(err, &failed) || failed.To != of(peer) || failed.Bytes != 1 {
			t.Errorf("%#v", failed)
		}
		same(t, "SendDropped", s.Stats().SendDropped, 1)
	})
}

// What fails is reported with its destination and size, and costs the others
// nothing.
func TestQueuedDatagramThatFailsIsReported(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		s := open(t, f.network)
		tooLong := make([]byte, 70000)
		for _, c := range []struct {
			d    udp.Datagram
			want error
		}{
			{udp.Datagram{Data: tooLong, To: of(peer)}, syscall.EMSGSIZE},
			{udp.Datagram{Data: []byte("abc"), To: netip.AddrPortFrom(f.loopback, 0)}, udp.ErrBadPort},
			{udp.Datagram{Data: []byte("abc")}, udp.ErrNotConnected},
			{udp.Datagram{Data: []byte("abc")}, udp.ErrAddressFamily},
			{udp.Datagram{To: netip.AddrPortFrom(netip.Addr{}, 9)}, udp.ErrAddressFamily},
		} {
			s.Outbox() <- udp.Datagram{Data: []byte("before"), To: of(peer)}
			s.Outbox() <- c.d
			s.Outbox() <- udp.Datagram{Data: []byte("after"), To: of(peer)}
			hear(t, peer, "before", "after")
			err, _ := take(t, "error", s.Errors())
			fails(t, err, c.want)
			var failed *udp.SendError
			if !errors.As(err, &failed) || failed.To != c.d.To || failed.Bytes != len(c.d.Data) {
				t.Errorf("%#v", failed)
			}
		}
		ok(t, s.Flush(t.Context())) // the peer may have heard before the writer has counted
		st := s.Stats()
		same(t, "SendDropped", st.SendDropped, 5)
		same(t, "Sent", st.Sent, 10)
		same(t, "Errors", st.Errors, 5)
	})
}

// Upstream: parallel/test-dgram-send-error.js
func TestKernelsRefusalOfQueuedDatagram(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	system := mute(func(d *kernel.Datagram) error {
		if string(d.Data) == "bad" {
			return call("sendmsg", syscall.EPERM)
		}
		return nil
	})
	s, err := udp.NewOn(system, f.network)
	mine(t, s, err)
	for _, p := range []string{"a", "bad", "b", "bad", "c"} {
		s.Outbox() <- udp.Datagram{Data: []byte(p), To: of(peer)}
	}
	hear(t, peer, "a", "b", "c")
	ok(t, s.Flush(t.Context()))
	report, _ := take(t, "error", s.Errors())
	fails(t, report, syscall.EPERM)
	var failed *udp.SendError
	if !errors.As(report, &failed) || failed.To != of(peer) || failed.Bytes != 3 {
		t.Errorf("%#v", failed)
	}
	shaped(t, failed.Err, "send", of(peer).String())
	st := s.Stats()
	same(t, "SendDropped", st.SendDropped, 2)
	same(t, "Sent", st.Sent, 3)
	same(t, "Errors", st.Errors, 2)
}

func TestFlushWaitsForWhatIsQueued(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	system, jam := jammed()
	s, err := udp.DialOn(t.Context(), system, f.network, of(peer).String())
	mine(t, s, err)
	ok(t, s.Flush(t.Context())) // nothing was ever queued
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		s.Outbox() <- udp.Datagram{Data: []byte(want[i])}
	}
	flushes := []<-chan error{
		later(func() error { return s.Flush(t.Context()) }),
		later(func() error { return s.Flush(t.Context()) }),
	}
	ctx, cancel := context.WithCancel(t.Context())
	impatient := later(func() error { return s.Flush(ctx) })
	cancel()
	err, _ = take(t, "Flush", impatient)
	fails(t, err, context.Canceled)
	for _, c := range flushes {
		empty(t, "Flush", c)
	}
	fails(t, s.Flush(done()), context.Canceled)
	fails(t, s.Flush(nil), syscall.EINVAL)
	jam.clear()
	for _, c := range flushes {
		err, _ := take(t, "Flush", c)
		ok(t, err)
	}
	same(t, "Sent", s.Stats().Sent, 50)
	hear(t, peer, want...)
	ok(t, s.Flush(t.Context()))
}

func TestFlushThatWaitsEndsWithTheSocket(t *testing.T) {
	leakless(t)
	system, _ := jammed()
	s, err := udp.DialOn(t.Context(), system, "udp4", "127.0.0.1:9")
	mine(t, s, err)
	s.Outbox() <- udp.Datagram{Data: []byte("x")}
	eventually(t, "the writer waits", func() bool { return s.SendQueueSize() == 1 })
	flushing := later(func() error { return s.Flush(t.Context()) })
	door(t, "Close", func() { s.Close() })
	err, _ = take(t, "Flush", flushing)
	fails(t, err, net.ErrClosed)
}

// The queue is bounded, and known to the datagram: who fills it waits in a
// select of his own.
//
// Upstream: parallel/test-dgram-send-queue-info.js
func TestQueueIsBoundedAndKnown(t *testing.T) {
	leakless(t)
	system, jam := jammed()
	s, err := udp.DialOn(t.Context(), system, "udp4", deserted(t, families()[0]).String(), udp.WithSendQueue(8))
	mine(t, s, err)
	d := udp.Datagram{Data: []byte("12345")}
	const inHand = 8 // as many as the queue takes
	for n := 1; n <= inHand; n++ {
		s.Outbox() <- d
		eventually(t, "the writer has it", func() bool { return s.SendQueueSize() == 5*n && s.SendQueueCount() == n })
	}
	n := inHand
	for full := false; !full; n++ {
		select {
		case s.Outbox() <- d:
			same(t, "count", s.SendQueueCount(), n+1)
		default:
			full = true
			n--
		}
	}
	same(t, "datagrams queued", n, inHand+8)
	same(t, "size", s.SendQueueSize(), 5*inHand) // what is behind is not measured
	jam.clear()
	ok(t, s.Flush(t.Context()))
	same(t, "count", s.SendQueueCount(), 0)
	same(t, "size", s.SendQueueSize(), 0)
	same(t, "Sent", s.Stats().Sent, uint64(n))
}

// What was queued and never sent is counted.
func TestCloseCountsWhatIsQueued(t *testing.T) {
	for _, queue := range []int{0, 1, 16, 64} {
		leakless(t)
		system, _ := jammed()
		s, err := udp.DialOn(t.Context(), system, "udp4", "127.0.0.1:9", udp.WithSendQueue(queue))
		mine(t, s, err)
		outbox := s.Outbox()
		const n = 40
		queued := 0
		for range n {
			select {
			case outbox <- udp.Datagram{Data: []byte("x")}:
				queued++
			default:
			}
		}
		door(t, "Close", func() { s.Close() })
		st := s.Stats()
		same(t, "Sent", st.Sent, 0)
		same(t, "SendDropped", st.SendDropped, uint64(queued))
		same(t, "count", s.SendQueueCount(), 0)
		same(t, "size", s.SendQueueSize(), 0)
	}
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

// Upstream: sequential/test-dgram-implicit-bind-failure.js
func TestOutboxTriesTheBindAgain(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	s, err := udp.NewOn(&flakySystem{failures: 2}, f.network)
	mine(t, s, err)
	outbox := s.Outbox() // the first failure
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	shaped(t, err, "bind", "")
	outbox <- udp.Datagram{Data: []byte("lost"), To: of(peer)} // the second
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	var failed *udp.SendError
	if !errors.As(err, &failed) || failed.To != of(peer) || failed.Bytes != 4 {
		t.Errorf("%v", err)
	}
	outbox <- udp.Datagram{Data: []byte("found"), To: of(peer)}
	hear(t, peer, "found")
	same(t, "SendDropped", s.Stats().SendDropped, 1)
}

// A Bind that fails costs nothing that is queued meanwhile.
func TestFailedBindLosesNothingQueued(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	asked, answer := make(chan struct{}), make(chan struct{})
	s := open(t, f.network, udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
		close(asked)
		<-answer
		return nil, errors.New("no")
	}))
	bound := later(func() error { return s.Bind(t.Context(), "name:0") })
	ended(t, "lookup", asked)
	queued := begin(func() {
		for i := range 10 {
			s.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i), To: of(peer)}
		}
	})
	close(answer)
	err, _ := take(t, "Bind", bound)
	if err == nil {
		t.Error("bound to nothing")
	}
	ended(t, "queue", queued)
	for i := range 10 {
		hear(t, peer, fmt.Sprint(i))
	}
	empty(t, "errors", s.Errors())
	ok(t, s.Flush(t.Context()))
	same(t, "SendDropped", s.Stats().SendDropped, 0)
}

func TestOutboxTakesMappedAddressesAndSources(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	for _, network := range []string{"udp4", "udp"} {
		s := open(t, network)
		to := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), of(peer).Port())
		s.Outbox() <- udp.Datagram{Data: []byte("x"), To: to}
		hear(t, peer, "x")
		s.Outbox() <- udp.Datagram{Data: []byte("y"), To: of(peer), From: netip.IPv6Loopback()}
		err, _ := take(t, "error", s.Errors())
		fails(t, err, udp.ErrAddressFamily)
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

// Outbox, Send and SendBatch at once: every datagram goes out, each way's in
// order.
func TestEveryWayOfSendingAtOnce(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local(), udp.WithReadBuffer(2<<20))
	from := dial(t, f.network, at(t, s))
	const n = 300
	spend, earn := credit(t, s, 10)
	sending := begin(func() {
		concurrently(3, func(way int) {
			for i := range n {
				spend()
				p := []byte(fmt.Sprint(way, " ", i))
				var err error
				switch way {
				case 0:
					err = from.Send(t.Context(), p)
				case 1:
					_, err = from.SendBatch(t.Context(), []udp.Datagram{{Data: p}})
				case 2:
					from.Outbox() <- udp.Datagram{Data: p}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	})
	var next3 [3]int
	for range 3 * n {
		var way, i int
		fmt.Sscan(string(next(t, s).Data), &way, &i)
		earn()
		if i != next3[way] {
			t.Fatalf("way %d: number %d, want %d", way, i, next3[way])
		}
		next3[way]++
	}
	ended(t, "senders", sending)
	same(t, "Sent", from.Stats().Sent, 3*n)
}
