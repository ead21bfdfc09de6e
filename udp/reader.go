package udp

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"slices"

	"example.com/dgram/internal/kernel"
)

// A reader makes messages of what one kernel socket receives. It runs no user code
// but the block list.
//
// A reader with a channel hands the messages over there: see handover.go. A reader
// without a channel serves calls, and what it read waits in pending: see stream.go.
type reader struct {
	s        *Socket
	conn     kernel.Conn
	out      chan Message         // the only sender is this reader, or it and its siblings
	pending  []burst              // read, and not handed over
	held     holding              // the part of pending that the reader holds back
	asked    int                  // the most packets that the last read could bring
	burst    int                  // datagrams in the last packet: a guess for the next
	sent     taken                // handed to the channel and not counted yet
	alone    bool                 // no other reader sends to the channel
	moved    bool                 // something arrived since the last error
	dropping bool                 // the last datagram was dropped, because the channel was full
	sifts    chan chan<- struct{} // from Connect: see sift
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
		select {
		case done := <-r.sifts:
			r.sift(done)
		default:
		}
		err := r.conn.Receive(r, false)
		if r.Idle() && !r.Wait() {
			return nil
		}
		if r.s.ending() || err == nil || errors.Is(err, kernel.ErrDrained) {
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.s.readDeadline.setReader(nil) // of sift
			r.s.readDeadline.restore()      // the view's, or one that was set on the descriptor
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

// Room returns how many packets may fit into the channel, if each carries as many
// datagrams as the last one.
func (r *reader) Room() int {
	r.asked = min(r.room(), maxPackets)
	return r.asked
}

func (r *reader) room() int {
	if r.out == nil || r.s.overflow() != OverflowBlock {
		return maxPackets
	}
	if r.burst == 1 && 2*len(r.out) > cap(r.out) {
		// The receiver runs before the channel is full. On one processor that
		// empties the channel, and costs less than blocking would. On two
		// processors the next batch becomes larger. Without a receiver the yield
		// costs next to nothing. A burst fills the channel in any case.
		runtime.Gosched()
	}
	return max(1, (cap(r.out)-len(r.out))/r.burst)
}

func (s *Socket) overflow() Overflow { return Overflow(s.cfg.overflow) }

// Deliver makes messages of a batch. It hands over those that fit into the channel,
// unless the batch is held back, and keeps the rest in pending.
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
	var passing burst // most bursts are handed over at once, and need no room in pending
	for i := range b.Packets {
		p := &b.Packets[i]
		if copied && p.NonUnicastDst && !p.To.IsMulticast() {
			continue // each kernel socket of the port has a copy of a broadcast datagram; that of the first is delivered
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

// Idle hands over what is held back, because the next read may find nothing.
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

// Pending reports whether datagrams that are not held back wait for the channel, or the
// socket ends.
func (r *reader) Pending() bool {
	return r.out != nil && (len(r.pending) > 0 && r.held.datagrams == 0 || r.s.ending())
}
