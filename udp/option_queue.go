package udp

import "fmt"

// Overflow is what happens to datagrams when the receiver is slow and the message
// channel is full.
type Overflow int

const (
	// OverflowBlock stops reading: datagrams wait in the kernel's buffer, and once that
	// is full the kernel drops new ones (Stats.DroppedKernel).
	OverflowBlock Overflow = iota
	// OverflowDropNewest drops what arrives (Stats.DroppedOverflow).
	OverflowDropNewest
	// OverflowDropOldest drops what has waited longest (Stats.DroppedOverflow).
	OverflowDropOldest
)

// String returns "block", "drop newest" or "drop oldest".
func (o Overflow) String() string {
	switch o {
	case OverflowBlock:
		return "block"
	case OverflowDropNewest:
		return "drop newest"
	case OverflowDropOldest:
		return "drop oldest"
	}
	return fmt.Sprintf("overflow %d", int(o))
}

// WithOverflow says what happens to datagrams when the receiver is slow; the
// default is [OverflowBlock].
func WithOverflow(o Overflow) Option {
	return func(c *config) {
		if c.inRange("overflow", int(o), int(OverflowBlock), int(OverflowDropOldest)) {
			c.overflow = uint8(o)
		}
	}
}

// WithMessageBuffer sets the capacity of [Socket.Messages], 47 by default: 6 KiB,
// at 128 bytes a message, from when Messages is first called. Zero is an
// unbuffered channel. A receiver that works some microseconds for each datagram
// is kept busy by a larger one.
func WithMessageBuffer(n int) Option {
	return func(c *config) {
		if c.inRange("message buffer", n, 0, maxQueue) {
			c.messageBuffer = int32(n)
		}
	}
}

// WithErrorBuffer sets the capacity of [Socket.Errors], 16 by default.
func WithErrorBuffer(n int) Option {
	return func(c *config) {
		if c.inRange("error buffer", n, 0, maxQueue) {
			c.errorBuffer = int32(n)
		}
	}
}

// WithSendQueue sets the capacity of [Socket.Outbox], and as many datagrams, at least
// one, may be with its writer while the kernel has no room. By default they are 64 and
// 256.
func WithSendQueue(n int) Option {
	return func(c *config) {
		if c.inRange("send queue", n, 0, maxQueue) {
			c.sendQueue, c.sendHeld = int32(n), int32(max(n, 1))
		}
	}
}

// WithMaxDatagram cuts off what is longer than so many bytes, 1 to 65535
// (Message.Truncated, Stats.Truncated). By default nothing is. It limits what a
// reader has to expect, not the memory that receiving takes.
func WithMaxDatagram(bytes int) Option {
	return func(c *config) {
		if c.inRange("max datagram", bytes, 1, defaultMaxDatagram) {
			c.maxDatagram = int32(bytes)
		}
	}
}

// WithReaders opens n kernel sockets that share the port (SO_REUSEPORT), each
// with a reader goroutine of its own; all feed [Socket.Messages]. The kernel
// spreads senders over them, so that one sender's datagrams keep their order.
// Sends, File, SyscallConn, Join and Connect use the first: once it is connected,
// the others still receive from every sender. All and the view of PacketConn cannot read
// such a socket: errors.ErrUnsupported. Where the system does not balance, Bind
// is errors.ErrUnsupported.
func WithReaders(n int) Option {
	return func(c *config) {
		if c.inRange("readers", n, 1, maxReaders) {
			c.readers = int32(n)
		}
	}
}
