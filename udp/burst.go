package udp

import (
	"bytes"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// handOver is the size from which on a read's memory goes to the receiver as
// it is; what is smaller is copied, so that a kept datagram holds on to little
// more than itself.
const handOver = 8 << 10

// A burst is what one packet brought: one datagram or many of one sender. It
// is cut into messages only when they are handed over, because a message is
// dear to move about: 128 bytes.
type burst struct {
	head    Message // the next message; from, to and so on are those of all
	rest    []byte  // the payload of those that are left
	segment int     // the size of each but the last, 0 for a single datagram
	left    int     // datagrams
	limit   int     // of a message's size: WithMaxDatagram
}

// load makes u packet i of a batch: its memory if it is large, else a copy. It
// overwrites every field of u, so that callers need not clear it.
func (u *burst) load(b *kernel.Batch, i, n, limit int) {
	p := &b.Packets[i]
	m := &u.head
	m.From, m.To, m.Interface = p.From, p.To, p.Interface
	m.Time, m.TOS, m.TTL = p.Time, p.TOS, p.TTL
	m.Truncated, m.foreign = p.Truncated, p.Foreign
	u.segment, u.left, u.limit = p.Segment, n, limit
	m.life, m.slot = nil, 0
	switch {
	case n > slab.Slots(): // no kernel makes so many; what it would make is garbage collected
		u.rest = bytes.Clone(p.Data)
	case len(p.Data) >= handOver:
		u.rest, m.life = b.Take(i, n)
	default:
		u.rest, m.life, m.slot = b.Slab.Copy(p.Data, n)
	}
	u.setHead()
}

// setHead makes head the next message.
func (u *burst) setHead() {
	n := u.size()
	if n > u.limit {
		n, u.head.Truncated = u.limit, true
	} else if u.segment > 0 {
		u.head.Truncated = false // what the kernel truncated is no burst
	}
	u.head.Data = u.rest[:n:n]
}

// next goes on to the next datagram. After the last one, u references no memory.
func (u *burst) next() {
	if u.left--; u.left == 0 {
		u.clear()
		return
	}
	u.rest = u.rest[u.size():]
	u.head.slot++
	u.setHead()
}

// clear drops the references to memory.
func (u *burst) clear() {
	u.rest, u.head.Data, u.head.life = nil, nil, nil
}

// size is that of the next datagram.
func (u *burst) size() int {
	if u.segment > 0 {
		return min(u.segment, len(u.rest))
	}
	return len(u.rest)
}

// bytes is the size of the next n messages.
func (u *burst) bytes(n int) int {
	switch {
	case n == 0:
		return 0
	case u.segment == 0 || n == 1 && u.left == 1:
		return min(len(u.rest), u.limit)
	case n < u.left:
		return n * min(u.segment, u.limit)
	}
	last := len(u.rest) - (n-1)*u.segment
	return (n-1)*min(u.segment, u.limit) + min(last, u.limit)
}

// release gives the bytes of all that is left back.
func (u *burst) release() {
	for ; u.left > 0; u.next() {
		u.head.Release()
	}
}
