package udp_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// What is queued for one peer never goes to another: it is sent to that peer, or is a
// SendError. The queue is any size, the kernel has room or none, and producers wait.
// Connect and Disconnect do not wait for room.
func TestQueuedDatagramsKnowTheirPeer(t *testing.T) {
	second := netip.AddrPortFrom(friend.Addr(), friend.Port()+1)
	for _, queue := range []int{0, 1, 8, 64} {
		for _, room := range []bool{true, false} {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				ok(t, s.Connect(t.Context(), friend.String()))
				if !room {
					c.change(func() { c.space = 0 })
				}
				const n = 40
				for range n {
					go func() { s.Outbox() <- udp.Datagram{Data: []byte("for the first")} }()
				}
				synctest.Wait()
				began := time.Now()
				ok(t, s.Disconnect())
				ok(t, s.Connect(t.Context(), second.String()))
				same(t, "time that the change takes", time.Since(began), 0)
				c.change(func() { c.space = 1 << 20 })
				synctest.Wait()
				s.Outbox() <- udp.Datagram{Data: []byte("for the second")}
				ok(t, s.Flush(t.Context()))
				for i, sent := range c.sent {
					want := simSent{[]byte("for the first"), friend, netip.Addr{}}
					if i == len(c.sent)-1 {
						want = simSent{[]byte("for the second"), second, netip.Addr{}}
					}
					same(t, "peer", sent.to, want.to)
					same(t, "sent", string(sent.data), string(want.data))
				}
				dropped := uint64(0)
				if !room {
					dropped = n
				}
				st := s.Stats()
				same(t, "sent", st.Sent, n+1-dropped)
				same(t, "dropped", st.SendDropped, dropped)
				same(t, "errors", st.Errors, dropped)
				if dropped > 0 {
					same(t, "failures", len(sendErrors(<-s.Errors())), 1)
				}
			}, udp.WithSendQueue(queue))
		}
	}
}

// What is queued without a peer has none, also when one comes while producers wait.
func TestQueuedWithoutAPeer(t *testing.T) {
	for _, queue := range []int{0, 1, 8, 64} {
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			c.change(func() { c.space = 0 })
			s.Outbox() <- udp.Datagram{To: friend} // which the writer holds
			const n = 100
			for range n {
				go func() { s.Outbox() <- udp.Datagram{Data: []byte("to nobody")} }()
			}
			synctest.Wait()
			ok(t, s.Connect(t.Context(), friend.String()))
			c.change(func() { c.space = 1000 })
			synctest.Wait()
			fails(t, <-s.Errors())
			s.Outbox() <- udp.Datagram{Data: []byte("to the peer")}
			ok(t, s.Flush(t.Context()))
			same(t, "sent", c.texts(), "[to the peer]")
			same(t, "dropped", s.Stats().SendDropped, n+1)
		}, udp.WithSendQueue(queue))
	}
}

// The context ends a batch; its error is joined with what failed before.
func TestSendBatchStopsForItsContext(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.space = 0 })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n, err := s.SendBatch(ctx, []udp.Datagram{{To: netip.AddrPortFrom(friend.Addr(), 0)}, {To: friend}, {To: friend}})
		same(t, "sent", n, 0)
		fails(t, err, context.DeadlineExceeded, udp.ErrBadPort)
		same(t, "failures", len(sendErrors(err)), 1)
	})
}
