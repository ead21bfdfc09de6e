package udp

import (
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// A burst is what one packet brought: one datagram or many of one sender. It
// is cut into messages only when they are handed over, because a message is
// large: 128 bytes.
type burst struct {
	head    Message // the next message; all of the burst have its addresses and flags
	rest    []byte  // the payload of the datagrams after head
	segment int     // the size of each but the last, 0 for a single datagram
	left    int     // datagrams
	cut     bool    // each but the last is truncated
	lastCut bool    // the last is
}

// load makes u packet i of a batch. It cuts each datagram at limit. A short payload
// is copied, so that a kept datagram holds little more than its own bytes; a long one
// keeps the memory that it was read into. load overwrites every field of u, so that
// callers need not clear it.
func (u *burst) load(b *kernel.Batch, i, n, limit int) {
	p := &b.Packets[i]
	m := &u.head
	m.From, m.To, m.Interface = p.From, p.To, p.Interface
	m.Time, m.TOS, m.TTL = p.Time, p.TOS, p.TTL
	u.segment, u.left, u.cut, u.lastCut = p.Segment, n, false, p.Truncated
	data := p.Data
	if p.Segment > limit || p.Segment == 0 && len(data) > limit {
		data = u.truncate(data, limit)
	}
	if len(data) > slab.MaxCopy && n <= slab.Slots() {
		u.rest = data
		m.block, m.tag = b.Take(i, n)
	} else {
		u.rest, m.block, m.tag = b.Slab.Copy(data, n)
	}
	u.setHead()
}

// truncate cuts each datagram at limit, in place.
func (u *burst) truncate(data []byte, limit int) []byte {
	if u.segment == 0 {
		u.lastCut = true
		return data[:limit]
	}
	short := data[:0]
	for at := 0; at < len(data); at += u.segment {
		d := data[at:min(at+u.segment, len(data))]
		u.lastCut = len(d) > limit
		short = append(short, d[:min(len(d), limit)]...)
	}
	u.segment, u.cut = limit, true
	return short
}

// setHead makes head the next message.
func (u *burst) setHead() {
	n := u.size()
	u.head.Data = u.rest[:n:n]
	u.head.Truncated = u.lastCut
	if u.left > 1 {
		u.head.Truncated = u.cut
	}
}

// next goes on to the next datagram. After the last one, u references no memory.
func (u *burst) next() {
	if u.left--; u.left == 0 {
		u.clear()
		return
	}
	u.rest = u.rest[u.size():]
	u.head.tag++
	u.setHead()
}

// take moves the next datagrams to ms, as many as fit, and counts them. It does
// not make each of them u.head first: the copy would wait for the stores.
func (u *burst) take(ms []Message, count *taken) (n int) {
	for n < len(ms) && u.left > 1 {
		m := &ms[n]
		*m = u.head
		size := u.size()
		m.Data, m.Truncated = u.rest[:size:size], u.cut
		m.tag += uint32(n)
		count.add(m)
		u.rest = u.rest[size:]
		u.left--
		n++
	}
	if n > 0 {
		u.head.tag += uint32(n)
		u.setHead()
	}
	if n < len(ms) && u.left == 1 {
		ms[n] = u.head
		count.add(&ms[n])
		u.next()
		n++
	}
	return n
}

// clear drops the references to memory.
func (u *burst) clear() {
	u.rest, u.head.Data, u.head.block = nil, nil, nil
}

// size is that of the next datagram.
func (u *burst) size() int {
	if u.segment > 0 {
		return min(u.segment, len(u.rest))
	}
	return len(u.rest)
}

// release gives the bytes of all that is left back.
func (u *burst) release() {
	for ; u.left > 0; u.next() {
		u.head.Release()
	}
}
