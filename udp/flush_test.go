package udp_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

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
