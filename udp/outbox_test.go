package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"

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
