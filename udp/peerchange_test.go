package udp_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// What is queued for one peer never goes to another: it arrives there, or is a
// SendError. The queue is any size, the kernel has room or none.
func TestQueuedDatagramsKnowTheirPeer(t *testing.T) {
	f := families()[0]
	for _, queue := range []int{0, 1, 64} {
		for _, room := range []bool{true, false} {
			t.Run(fmt.Sprint(queue, room), func(t *testing.T) {
				system, jam := jammed()
				jam.eased.Store(room)
				first, second := std(t, f), std(t, f)
				s, err := udp.DialOn(t.Context(), system, f.network, of(first).String(), udp.WithSendQueue(queue))
				mine(t, s, err)
				queued := uint64(0)
				for range 40 {
					select {
					case s.Outbox() <- udp.Datagram{Data: []byte("for the first")}:
						queued++
					case <-time.After(time.Millisecond):
					}
				}
				ok(t, s.Disconnect())
				ok(t, s.Connect(t.Context(), of(second).String()))
				jam.clear()
				s.Outbox() <- udp.Datagram{Data: []byte("for the second")}
				ok(t, s.Flush(t.Context()))
				hear(t, second, "for the second")
				ok(t, s.Send(t.Context(), []byte("last")))
				hear(t, second, "last")
				st := s.Stats()
				same(t, "sent and dropped", st.Sent+st.SendDropped, queued+2)
				if room && st.SendDropped > 0 {
					t.Errorf("%d were dropped although there was room", st.SendDropped)
				}
				for range st.Sent - 2 {
					hear(t, first, "for the first")
				}
				same(t, "errors", st.Errors, st.SendDropped)
				if st.SendDropped > 0 {
					err, _ := take(t, "error", s.Errors())
					same(t, "failures", len(sendErrors(err)), 1)
				}
			})
		}
	}
}

// The same with producers that wait for a place in the queue while the peer changes.
func TestProducersThatWaitWhileThePeerChanges(t *testing.T) {
	for _, queue := range []int{0, 1, 8} {
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			ctx := context.Background()
			second := netip.AddrPortFrom(friend.Addr(), friend.Port()+1)
			ok(t, s.Connect(ctx, friend.String()))
			c.change(func() { c.space = 0 })
			const n = 40
			for range n {
				go func() { s.Outbox() <- udp.Datagram{Data: []byte("for the first")} }()
			}
			synctest.Wait() // some are queued, some are with the writer, and the others wait
			ok(t, s.Disconnect())
			ok(t, s.Connect(ctx, second.String()))
			c.change(func() { c.space = 1000 })
			synctest.Wait()
			s.Outbox() <- udp.Datagram{Data: []byte("for the second")}
			ok(t, s.Flush(ctx))
			for _, sent := range c.sent {
				same(t, "sent", string(sent.data), "for the second")
			}
			st := s.Stats()
			same(t, "sent", st.Sent, 1)
			same(t, "dropped", st.SendDropped, n)
		}, udp.WithSendQueue(queue))
	}
}

// What is queued without a peer has none, also when one comes.
func TestQueuedWithoutAPeer(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	s := open(t, f.network)
	ok(t, s.Bind(t.Context(), f.local()))
	s.Outbox() <- udp.Datagram{Data: []byte("to nobody")}
	ok(t, s.Connect(t.Context(), of(peer).String()))
	err, _ := take(t, "error", s.Errors())
	fails(t, err, udp.ErrNotConnected)
	s.Outbox() <- udp.Datagram{Data: []byte("to the peer")}
	hear(t, peer, "to the peer")
}

// Connect and Disconnect do not wait for room, whatever the writer does.
func TestAChangeOfPeerDoesNotWaitForRoom(t *testing.T) {
	f := families()[0]
	system, _ := jammed()
	s, err := udp.DialOn(t.Context(), system, f.network, deserted(t, f).String())
	mine(t, s, err)
	for range 10 {
		s.Outbox() <- udp.Datagram{Data: []byte("x")}
		door(t, "Disconnect", func() { ok(t, s.Disconnect()) })
		door(t, "Connect", func() { ok(t, s.Connect(t.Context(), deserted(t, f).String())) })
	}
	ok(t, s.Flush(t.Context()))
	same(t, "SendDropped", s.Stats().SendDropped, 10)
}

// IPv4 and IPv6 queued before the socket has a family: the first to be bound for
// settles it, and the other is an error, not a panic.
func TestFamiliesQueuedOnAFreshSocket(t *testing.T) {
	needIPv6(t)
	leakless(t)
	s, err := udp.NewOn(&flakySystem{failures: 1}, "udp")
	mine(t, s, err)
	out := s.Outbox() // does not get a socket
	err, _ = take(t, "error", s.Errors())
	fails(t, err, syscall.EMFILE)
	four, six := deserted(t, families()[0]), netip.MustParseAddrPort("[::1]:9")
	out <- udp.Datagram{Data: []byte("4"), To: four}
	out <- udp.Datagram{Data: []byte("6"), To: six}
	ok(t, s.Flush(t.Context()))
	err, _ = take(t, "error", s.Errors())
	fails(t, err, udp.ErrAddressFamily)
	st := s.Stats()
	same(t, "sent", st.Sent, 1)
	same(t, "dropped", st.SendDropped, 1)
}

// Outbox does not wait for a Bind of another goroutine.
func TestOutboxDoesNotWaitForABind(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	asked, answer := make(chan struct{}), make(chan struct{})
	s := open(t, f.network, udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
		close(asked)
		<-answer
		return []netip.Addr{f.loopback}, nil
	}))
	bound := later(func() error { return s.Bind(t.Context(), "name:0") })
	ended(t, "lookup", asked)
	door(t, "Outbox", func() { s.Outbox() <- udp.Datagram{Data: []byte("x"), To: of(peer)} })
	close(answer)
	err, _ := take(t, "Bind", bound)
	ok(t, err)
	hear(t, peer, "x")
}

// A Flush that is given up leaves nothing behind.
func TestFlushesThatAreGivenUp(t *testing.T) {
	system, jam := jammed()
	s, err := udp.DialOn(t.Context(), system, "udp4", deserted(t, families()[0]).String())
	mine(t, s, err)
	s.Outbox() <- udp.Datagram{Data: []byte("x")}
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		fails(t, s.Flush(ctx), context.DeadlineExceeded)
		cancel()
	}
	same(t, "flushes", udp.PendingFlushes(s), 0)
	jam.clear()
	ok(t, s.Flush(t.Context()))
}

// The context ends a batch; its error is joined with what failed before.
func TestSendBatchStopsForItsContext(t *testing.T) {
	system, _ := jammed()
	to := deserted(t, families()[0])
	s, err := udp.NewOn(system, "udp4")
	mine(t, s, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	n, err := s.SendBatch(ctx, []udp.Datagram{{To: netip.AddrPortFrom(to.Addr(), 0)}, {To: to}, {To: to}})
	same(t, "sent", n, 0)
	fails(t, err, context.DeadlineExceeded, udp.ErrBadPort)
	same(t, "failures", len(sendErrors(err)), 1)
}
