package sim

import (
	"net/netip"
	"time"
)

// A queue is a receive buffer: datagrams in the order of their arrival, and
// what they take of SO_RCVBUF.
type queue struct {
	items   []received
	head    int // of items: the first that was not read
	limit   int // as the kernel counts, with its own books
	charged int
}

// received is a datagram in a receive buffer.
type received struct {
	data      []byte
	from      netip.AddrPort
	to        netip.Addr
	in        int // index of the interface
	at        time.Time
	tos, ttl  uint8
	different bool // to is no unicast address
	charge    int  // what it takes of the buffer
}

func (q *queue) len() int { return len(q.items) - q.head }

// put adds a datagram unless it does not fit. Into an empty buffer every one
// does (Linux 6.15 and later).
func (q *queue) put(r received) bool {
	if q.charged > 0 && q.charged+r.charge > q.limit {
		return false
	}
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 1024 && 2*q.head > len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.charged += r.charge
	q.items = append(q.items, r)
	return true
}

// take removes the first datagram.
func (q *queue) take() received {
	r := q.items[q.head]
	q.items[q.head] = received{}
	q.head++
	q.charged -= r.charge
	return r
}

// keep removes what does not match, and returns how many that are.
func (q *queue) keep(match func(*received) bool) (removed int) {
	for range q.len() {
		r := q.take()
		if !match(&r) {
			removed++
			continue
		}
		q.charged += r.charge
		q.items = append(q.items, r)
	}
	return removed
}

// first is the next datagram to be taken.
func (q *queue) first() *received { return &q.items[q.head] }

func (q *queue) clear() { q.items, q.head, q.charged = nil, 0, 0 }

// follows reports whether a datagram would have been coalesced with the one
// before it: they came together, from one sender, and look alike.
func (r *received) follows(before *received) bool {
	return r.from == before.from && r.to == before.to && r.in == before.in && r.at.Equal(before.at) &&
		r.tos == before.tos && r.ttl == before.ttl && len(before.data) > 0 && len(r.data) > 0
}

// truesize is what a datagram takes of a buffer on Linux: a struct sk_buff, and
// its data with headers and books in an allocation of a size that the kernel
// has. The figures are those of Linux 6.18 on amd64.
func truesize(p *packet) int {
	n := len(p.data)
	parts := fragments(p.dst.Addr(), n, p.mtu)
	if parts == 1 {
		return allocation(p.dst.Addr(), n)
	}
	each := p.mtu - (packetSize(p.dst.Addr(), 0) - udpHeader)
	return (parts-1)*allocation(p.dst.Addr(), each) + allocation(p.dst.Addr(), n-(parts-1)*each)
}

func allocation(to netip.Addr, payload int) int {
	need := payload + 378
	if to.Is6() {
		need += 13
	}
	for _, n := range [...]int{576, 1024, 2048, 4096, 8192, 16384} {
		if need <= n {
			return n + 256
		}
	}
	return payload + 832 // in pages
}
