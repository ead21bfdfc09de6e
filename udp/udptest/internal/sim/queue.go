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
}

func (q *queue) len() int { return len(q.items) - q.head }

// put adds a datagram unless the buffer is full: Linux looks whether it is
// before it adds the datagram, so that the last one may go beyond.
func (q *queue) put(r received) bool {
	if q.charged > q.limit {
		return false
	}
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 1024 && 2*q.head > len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.charged += truesize(len(r.data))
	q.items = append(q.items, r)
	return true
}

// take removes the first datagram.
func (q *queue) take() received {
	r := q.items[q.head]
	q.items[q.head] = received{}
	q.head++
	q.charged -= truesize(len(r.data))
	return r
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
// its data with headers and books in an allocation of a power of two.
func truesize(payload int) int {
	const (
		books = 256                 // struct sk_buff
		tail  = 320                 // struct skb_shared_info
		head  = 64 + ipv4Header + 8 // room for headers
		page  = 4096
	)
	need := payload + head + tail
	for n := 512; n <= 2*page; n *= 2 {
		if need <= n {
			return n + books
		}
	}
	return (need+page-1)/page*page + books
}
