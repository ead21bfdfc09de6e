package sim

import (
	"errors"

	"example.com/dgram/internal/kernel"
)

// granted is the size that the kernel makes of a request.
func granted(bytes, least int) int { return max(2*min(bytes, maxBuffer), least) }

// SetOption sets an integer property.
func (c *Conn) SetOption(o kernel.Option, value int) error {
	return c.locked(func() error {
		switch o {
		case kernel.Broadcast:
			c.broadcast = value != 0
			c.last = lastRoute{}
		case kernel.TTL:
			c.ttl = value
		case kernel.TOS:
			c.tos = value
		case kernel.ReadBuffer:
			c.queue.limit = granted(value, leastRead)
		case kernel.WriteBuffer:
			c.sendSize = granted(value, leastWrite)
			ring(c.room)
		default:
			return errors.ErrUnsupported
		}
		return nil
	})
}

// Option reads an integer property.
func (c *Conn) Option(o kernel.Option) (value int, err error) {
	err = c.locked(func() error {
		switch o {
		case kernel.Broadcast:
			if c.broadcast {
				value = 1
			}
		case kernel.TTL:
			value = c.ttl
		case kernel.TOS:
			value = c.tos
		case kernel.ReadBuffer:
			value = c.queue.limit / 2
		case kernel.WriteBuffer:
			value = c.sendSize / 2
		default:
			return errors.ErrUnsupported
		}
		return nil
	})
	return value, err
}

// SetOffload makes reads coalesce what arrived at one moment from one sender.
func (c *Conn) SetOffload(on bool) error {
	return c.locked(func() error { c.offload = on; return nil })
}

// Drops counts what did not fit into the receive buffer.
func (c *Conn) Drops() uint64 {
	c.host.n.lock()
	defer c.host.n.unlock()
	return c.drops
}

// Calls counts what would be system calls.
func (c *Conn) Calls() kernel.Calls {
	c.host.n.lock()
	defer c.host.n.unlock()
	return c.calls
}
