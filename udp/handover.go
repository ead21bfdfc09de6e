package udp

import "runtime"

// This file is the way from a reader to the channel of Messages. Only Wait waits:
// while the others run, the reader holds scratch memory that all sockets share.

// deliver hands a burst over, or drops what does not fit, as the policy says. It
// never waits. It reports false if the policy is to wait and some are left.
func (r *reader) deliver(u *burst) bool {
	if len(r.pending) == 0 {
		r.trySend(u)
	}
	switch {
	case u.left == 0:
	case r.s.overflow() == OverflowDropNewest || r.s.overflow() == OverflowDropOldest && cap(r.out) == 0:
		r.countDropped(u.left)
		u.release()
	case r.s.overflow() == OverflowDropOldest:
		r.dropOldest(u)
	default:
		return false
	}
	return true
}

// trySend hands over as many messages as there is room for.
func (r *reader) trySend(u *burst) {
	room := cap(r.out) - len(r.out)
	if cap(r.out) == 0 {
		room = 1 // a receiver may be waiting
	}
	n := min(u.left, room)
	if n == 0 {
		return
	}
	if r.dropping {
		r.dropping = false
		r.s.receive.overflow.resumed(r.s)
	}
	for ; n > 0; n-- {
		m := &u.head
		select {
		case r.out <- *m:
			r.sent.add(m)
			u.next()
		default: // another reader was faster, or no receiver waits
			return
		}
	}
}

// dropOldest drops the oldest messages until the burst fits. The user may take
// messages at the same time, which makes room as well.
func (r *reader) dropOldest(u *burst) {
	for u.left > 0 {
		r.popOldest()
		dropping := r.dropping
		r.dropping = false // so that trySend does not report that dropping has ended
		r.trySend(u)
		r.dropping = dropping
	}
}

// popOldest drops the oldest message in the channel.
func (r *reader) popOldest() {
	if old, ok := r.pop(); ok {
		r.countDropped(1)
		old.Release()
	}
}

// countDropped counts datagrams that the policy drops.
func (r *reader) countDropped(n int) {
	r.dropping = true
	r.s.count.droppedOverflow.Add(uint64(n))
	r.s.receive.overflow.dropped(r.s, n)
}

// Wait hands over what is pending, waiting for the receiver. False means
// that the socket ends; what is left then is counted.
func (r *reader) Wait() bool {
	r.release()
	for i := range r.pending {
		for u := &r.pending[i]; u.left > 0; r.trySend(u) {
			if !r.waitForRoom(u) {
				r.countUndelivered(i)
				return false
			}
		}
	}
	r.s.count.deliver(&r.sent)
	r.pending = r.pending[:0]
	if r.held.limit == 0 {
		r.shrink()
	}
	return !r.s.ending()
}

// waitForRoom waits for room in the channel. It may hand over the next message, or drop
// u because Connect asks for that.
func (r *reader) waitForRoom(u *burst) bool {
	if r.s.ending() {
		return false
	}
	if r.alone {
		if runtime.Gosched(); len(r.out) < cap(r.out) {
			return true // the receiver has run, which cost less than to block
		}
	}
	r.s.count.deliver(&r.sent)
	select {
	case r.out <- u.head:
		r.sent.add(&u.head)
		r.s.count.deliver(&r.sent)
		u.next()
		return true
	case done := <-r.sifts:
		r.sift(done)
		return true
	case <-r.s.lifetime.done:
		return false
	}
}

// countUndelivered counts and releases the bursts from i on.
func (r *reader) countUndelivered(i int) {
	r.s.count.deliver(&r.sent)
	for ; i < len(r.pending); i++ {
		n := uint64(r.pending[i].left)
		r.s.count.droppedHand.Add(n)
		r.s.count.droppedClosed.Add(n)
		r.pending[i].release()
	}
	r.pending = nil
}
