package udp

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"slices"

	"example.com/dgram/internal/kernel"
)

// A reader turns what one kernel socket receives into messages: the room where
// a datagram is read. It runs no user code but the block list.
//
// With a channel it delivers there. Without one it is pulled, and what it read
// waits in pending.
type reader struct {
	s        *Socket
	conn     kernel.Conn
	out      chan Message // the only sender is this reader, or it and its siblings
	pending  []burst      // read, and not handed over
	held     holding      // of them, those that the reader holds back
	asked    int          // packets that the last read might bring
	burst    int          // datagrams in the last packet, to guess how many the next brings
	sent     taken        // handed to the channel and not counted yet
	alone    bool         // no siblings: what fits, fits
	moved    bool         // something arrived since the last error
	dropping bool         // the last datagram did not fit
}

func (s *Socket) newReader(conn kernel.Conn, out chan Message) *reader {
	return &reader{s: s, conn: conn, out: out, alone: s.cfg.readers == 1, burst: 1}
}

// run reads until the socket ends or is drained. A soft error is reported and
// never ends it.
func (r *reader) run() error {
	defer r.s.receive.readers.Add(-1)
	var errs readBackoff
	for {
		err := r.conn.Receive(r, false)
		if r.Idle() && !r.Wait() {
			return nil
		}
		if r.s.ending() || err == nil || errors.Is(err, kernel.ErrDrained) {
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.s.readDeadline.restore() // the view's, or one that was set on the descriptor
			continue
		}
		if r.moved {
			errs = readBackoff{}
		}
		r.moved = false
		if fatal := r.s.readError(r.conn, err, &errs); fatal != nil {
			r.s.shutdown(fatal)
			return fatal
		}
	}
}

// maxPackets is the most packets that a reader asks for.
const maxPackets = 16

// Room says how many packets fit, going by the size of the last.
func (r *reader) Room() int {
	r.asked = min(r.room(), maxPackets)
	return r.asked
}

func (r *reader) room() int {
	if r.out == nil || r.s.overflow() != OverflowBlock {
		return maxPackets
	}
	if r.burst == 1 && 2*len(r.out) > cap(r.out) {
		// Let the receiver run before the channel is full. On one processor that
		// empties it, and costs less than to block with one more datagram in
		// hand; on two it makes the next batch larger; where no goroutine receives it
		// costs next to nothing. A burst overruns the channel and blocks anyway.
		runtime.Gosched()
	}
	return max(1, (cap(r.out)-len(r.out))/r.burst)
}

func (s *Socket) overflow() Overflow { return Overflow(s.cfg.overflow) }

// Deliver takes a batch over and hands on what finds its place at once.
func (r *reader) Deliver(b *kernel.Batch) {
	s := r.s
	ep := s.endpoint.Load()
	to := ep.to()
	copied := !r.alone && ep.conns[0] != r.conn
	r.moved = true
	read, hold := 0, r.mayHold(len(b.Packets))
	if !hold {
		r.release()
	}
	var passing burst // most are gone at once, and leave nothing that a quiet socket would keep
	for i := range b.Packets {
		p := &b.Packets[i]
		if copied && p.NonUnicastDst && !p.To.IsMulticast() {
			continue // each kernel socket of the port has a copy of a broadcast datagram; the first one's is delivered
		}
		if s.cfg.packetInfo == off {
			p.To, p.Interface = netip.Addr{}, 0
		}
		n := p.Datagrams()
		if list := s.cfg.receiveBlock; list != nil && blocks(list, p.From.Addr()) {
			s.count.droppedBlocked.Add(uint64(n))
			continue
		}
		r.burst = n
		read += n
		u := &passing
		if r.out == nil || hold {
			u = r.next()
		}
		u.load(b, i, n, int(s.cfg.maxDatagram))
		if !u.head.To.IsValid() {
			u.head.To = to
		}
		switch {
		case hold:
			r.held.add(n, len(p.Data))
		case r.out != nil && !r.deliver(u):
			*r.next() = *u
		}
	}
	s.count.read.Add(uint64(read))
	if hold && r.held.enough() {
		r.release()
	}
	s.count.deliver(&r.sent)
}

// next extends pending by one burst and returns it.
func (r *reader) next() *burst {
	n := len(r.pending)
	if n == cap(r.pending) {
		r.pending = slices.Grow(r.pending, 1)
	}
	r.pending = r.pending[:n+1]
	return &r.pending[n]
}

// deliver hands a burst on or drops it. It never waits: false means that the
// burst has to.
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

// dropOldest drops the oldest messages until the burst fits. A reader is the only
// one who takes from its own channel besides the user, who makes room too.
func (r *reader) dropOldest(u *burst) {
	for u.left > 0 {
		r.popOldest()
		dropping := r.dropping
		r.dropping = false // this one fits, but only because another did not
		r.trySend(u)
		r.dropping = dropping
	}
}

// popOldest drops the oldest message in the channel. It is counted before it is
// popped, so that Received never counts it for a moment.
func (r *reader) popOldest() {
	popped := &r.s.count.popped
	popped.Add(1)
	select {
	case old := <-r.out:
		r.countDropped(1)
		old.Release()
	default:
		popped.Add(^uint64(0))
	}
}

// countDropped counts datagrams that the policy drops.
func (r *reader) countDropped(n int) {
	r.dropping = true
	r.s.count.droppedOverflow.Add(uint64(n))
	r.s.receive.overflow.dropped(r.s, n)
}

// Idle hands over what is held back: there may be nothing more to read.
func (r *reader) Idle() bool {
	if r.out == nil {
		return false
	}
	r.held.limit = 0
	r.release()
	r.s.count.deliver(&r.sent)
	r.shrink()
	return r.Pending()
}

// Pending reports whether delivered datagrams still wait for the channel, or the
// socket ends.
func (r *reader) Pending() bool {
	return r.out != nil && (len(r.pending) > 0 && r.held.datagrams == 0 || r.s.ending())
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

// waitForRoom waits for room in the channel. It may hand over the next message.
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
