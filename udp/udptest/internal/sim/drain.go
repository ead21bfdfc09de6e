package sim

import (
	"net"

	"example.com/dgram/internal/kernel"
)

// Drain makes the socket deaf and wakes reads that wait. As behind a filter, what
// comes is lost without an answer; a member of a SO_REUSEPORT group leaves it to
// the others.
func (c *Conn) Drain() error {
	return c.locked(func() error {
		c.draining = true
		ring(c.wake)
		return nil
	})
}

// TryReceive delivers one batch of what is in the receive buffer.
func (c *Conn) TryReceive(s kernel.Sink) error {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	room := min(max(s.Room(), 1), batchSize)
	count, err := c.takeNow(w, room)
	if err != nil || count == 0 {
		return err
	}
	w.deliver(c, s, count)
	return nil
}

func (c *Conn) takeNow(w *scratch, room int) (int, error) {
	c.host.n.lock()
	defer c.host.n.unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.calls.Read++
	c.sift()
	if err := c.tellPending(); err != nil {
		return 0, err
	}
	if c.draining && c.queue.len() == 0 {
		return 0, kernel.ErrDrained
	}
	return c.gather(w, room), nil
}

// Queued reports whether the receive buffer holds a datagram.
func (c *Conn) Queued() bool {
	c.host.n.lock()
	defer c.host.n.unlock()
	c.sift()
	return c.queue.len() > 0
}
