package udp

import (
	"math"
	"sync/atomic"
)

// A loan is what one read brought, lent to the loop of All. The loop takes
// datagrams from it without the turn: one atomic operation claims one. Another
// call that gets the turn recalls the loan, and what the loop has not claimed
// is the stream's again.
//
// Nothing changes a burst while it is lent, because the loop and a call that
// recalls may read it at the same time. The loop cuts a copy.
type loan struct {
	claimed atomic.Int64 // datagrams that the loop has claimed; negative when the loan was recalled

	// Guarded by the turn. The loop alone changes bursts, and reads it without the turn.
	lent   bool
	first  int // the first of bursts that has datagrams
	bursts []burst

	// Of the loop alone.
	left  int   // datagrams that it has not tried to claim
	next  int   // the burst of the next datagram
	cut   burst // the copy of the burst that is being cut
	taken taken // and not counted yet
}

// recalled is what claimed counts from when the loan is no more.
const recalled = math.MinInt64

// claim returns the next datagram, or nil when there is none or the loan was
// recalled. The message is the caller's until it claims the next.
//
// The message is made before it is claimed: the processor has then finished the
// stores, and the caller's copy need not wait for them.
func (l *loan) claim() *Message {
	if l.left == 0 {
		return nil
	}
	m := l.prepare()
	if l.claimed.Add(1) < 0 {
		l.left = 0
		return nil
	}
	l.left--
	return m
}

// prepare makes the message of the next datagram.
func (l *loan) prepare() *Message {
	if l.cut.left > 1 {
		l.cut.next()
		return &l.cut.head
	}
	u := &l.bursts[l.next]
	l.next++
	if u.left == 1 {
		return &u.head
	}
	l.cut = *u
	return &l.cut.head
}

// lend lends the loop all that was read, and reports whether that is anything.
// The caller is the loop. It has the turn, and has recalled the loan before.
func (st *stream) lend() bool {
	l, r := &st.loan, st.r
	switch {
	case r == nil:
		return false
	case !st.pending():
		st.reset()
		return false
	}
	l.bursts, r.pending = r.pending, l.bursts[:0]
	l.first, st.next = st.next, 0
	for l.bursts[l.first].left == 0 {
		l.first++
	}
	l.next = l.first
	for i := l.first; i < len(l.bursts); i++ {
		l.left += l.bursts[i].left
	}
	l.claimed.Store(0)
	l.lent = true
	return true
}

// recall makes what the loop has not claimed the stream's again. Nothing that
// was read later is there yet: whoever reads has recalled the loan before. The
// caller has the turn.
func (st *stream) recall() {
	l := &st.loan
	if !l.lent {
		return
	}
	l.lent = false
	claimed := int(l.claimed.Swap(recalled))
	for i := l.first; i < len(l.bursts); i++ {
		u := &l.bursts[i]
		if claimed >= u.left {
			claimed -= u.left
			continue
		}
		rest := st.r.next()
		*rest = *u
		for ; claimed > 0; claimed-- {
			rest.next()
		}
	}
}

// forget drops the references to memory of a loan that was recalled. The caller
// is the loop, and has the turn.
func (l *loan) forget() {
	for i := range l.bursts {
		l.bursts[i].clear()
	}
	if l.bursts = l.bursts[:0]; cap(l.bursts) > 2*maxPackets {
		l.bursts = nil // an idle socket keeps little
	}
	l.left, l.cut.left = 0, 0
	l.cut.clear()
}
