package udp

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"time"

	"example.com/dgram/internal/kernel"
)

// handOver is the size from which on a read's memory goes to the receiver as
// it is; what is smaller is copied, so that a kept datagram holds on to little
// more than itself.
const handOver = 8 << 10

// A reader turns what one kernel socket receives into messages: the room where
// a datagram is read. It runs no user code but the block list.
//
// With a channel it delivers there. Without one it is pulled, and what it made
// waits in pending.
type reader struct {
	s       *Socket
	conn    kernel.Conn
	out     chan Message // the only sender is this reader, or it and its siblings
	alone   bool         // no siblings: what fits, fits
	credit  int          // messages that are counted already and sure to fit
	pending []Message    // made, and not handed over
	burst   int          // datagrams in the last packet, to guess how many the next brings
	moved   bool         // something arrived since the last error

	dropping bool // the last datagram did not fit
}

func (s *Socket) newReader(conn kernel.Conn, out chan Message) *reader {
	return &reader{s: s, conn: conn, out: out, alone: s.cfg.readers == 1, burst: 1}
}

// run reads until the socket ends. A soft error is reported and never ends it.
func (r *reader) run() error {
	var errs patience
	for {
		err := r.conn.Receive(r, false)
		if r.s.over() || err == nil {
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = r.conn.SetReadDeadline(time.Time{}) // somebody else's: a raw descriptor has no owner
			if r.s.over() {
				return nil // it may have been the end's after all
			}
			continue
		}
		if r.moved {
			errs = patience{}
		}
		r.moved = false
		if fatal := r.s.readError(r.conn, err, &errs); fatal != nil {
			r.s.kill(fatal)
			return fatal
		}
	}
}

// Room says how many packets fit, going by the size of the last.
func (r *reader) Room() int {
	if r.out == nil || r.s.overflow() != Block {
		return batch
	}
	r.makeRoom()
	return max(1, (cap(r.out)-len(r.out))/r.burst)
}

// makeRoom lets the receiver run when the channel is full. On one processor
// that empties it, and costs less than to block with one more datagram in hand;
// where the receiver does not receive, it costs next to nothing.
func (r *reader) makeRoom() {
	if cap(r.out) > 0 && len(r.out) == cap(r.out) {
		runtime.Gosched()
	}
}

func (s *Socket) overflow() Overflow { return Overflow(s.cfg.overflow) }

// batch is the most packets that a reader asks for.
const batch = 16

// Deliver makes messages of a batch.
func (r *reader) Deliver(b *kernel.Batch) {
	s := r.s
	to := s.endpoint.Load().to()
	r.moved = true
	for i := range b.Packets {
		p := &b.Packets[i]
		n := p.Datagrams()
		if s.blocked(s.cfg.receiveBlock, p.From.Addr()) {
			s.count.droppedBlocked.Add(uint64(n))
			continue
		}
		r.burst = n
		r.prepay(p, n)
		m := Message{From: p.From, To: p.To, Interface: p.Interface, Time: p.Time, TOS: p.TOS, foreign: p.Foreign}
		if !m.To.IsValid() {
			m.To = to
		}
		r.unpack(b, i, n, &m)
	}
}

// unpack delivers the n datagrams of a packet.
func (r *reader) unpack(b *kernel.Batch, i, n int, m *Message) {
	p := &b.Packets[i]
	limit := int(r.s.cfg.maxDatagram)
	rest := p.Data
	taken := len(rest) >= handOver
	if taken {
		m.life = b.Take(i, n)
	}
	for k := range n {
		var data []byte
		data, rest = p.Next(rest)
		m.Truncated = p.Truncated
		if len(data) > limit {
			data, m.Truncated = data[:limit:limit], true
		}
		if m.Truncated {
			r.s.count.truncated.Add(1)
		}
		if taken {
			m.Data, m.slot = data, uint32(k)
		} else {
			m.Data, m.life, m.slot = b.Slab.Copy(data)
		}
		r.deliver(m)
	}
}

// prepay counts, in one go, the datagrams of a packet that are sure to fit
// into the channel. Counting comes before handing over: who holds a message
// must find it in Stats.
func (r *reader) prepay(p *kernel.Packet, n int) {
	r.credit = 0
	if !r.alone || len(r.pending) > 0 || p.Segment > int(r.s.cfg.maxDatagram) || len(p.Data) > int(r.s.cfg.maxDatagram) && p.Segment == 0 {
		return
	}
	r.credit = min(n, cap(r.out)-len(r.out))
	if r.credit > 0 {
		bytes := len(p.Data)
		if r.credit < n {
			bytes = r.credit * p.Segment
		}
		r.s.count.receive(r.credit, bytes)
	}
}

// deliver hands a message over, or drops it, or keeps it for later. It never
// waits.
func (r *reader) deliver(m *Message) {
	switch {
	case r.credit > 0:
		r.credit--
		select {
		case r.out <- *m:
			r.ease()
			return
		default: // not possible: nobody else sends
			r.s.count.unreceive(len(m.Data))
		}
	case len(r.pending) == 0 && r.offer(m):
		r.ease()
		return
	}
	switch r.s.overflow() {
	case DropNewest:
		if r.out != nil {
			r.drop(*m)
			return
		}
	case DropOldest:
		if r.out != nil {
			r.replace(m)
			return
		}
	}
	r.pending = append(r.pending, *m)
}

// offer hands a message over if there is room now.
func (r *reader) offer(m *Message) bool {
	if r.out == nil || cap(r.out) > 0 && len(r.out) == cap(r.out) {
		return false
	}
	r.makeRoom()
	r.s.count.receive(1, len(m.Data))
	select {
	case r.out <- *m:
		return true
	default:
		r.s.count.unreceive(len(m.Data))
		return false
	}
}

// replace drops the oldest messages until m fits. A reader is the only one who
// takes from its own channel besides the user, who makes room too.
func (r *reader) replace(m *Message) {
	if cap(r.out) == 0 {
		r.drop(*m) // nothing waits that would be older
		return
	}
	for !r.offer(m) {
		select {
		case old := <-r.out:
			r.s.count.unreceive(len(old.Data))
			r.drop(old)
		default:
		}
	}
}

func (r *reader) drop(m Message) {
	m.Release()
	r.dropping = true
	r.s.count.droppedOverflow.Add(1)
	r.s.inbox.overflow.dropped(r.s)
}

// ease ends an episode of drops.
func (r *reader) ease() {
	if r.dropping {
		r.dropping = false
		r.s.inbox.overflow.eased(r.s)
	}
}

// Settled tells whether everything has found its place.
func (r *reader) Settled() bool {
	if r.out == nil {
		return true
	}
	return len(r.pending) == 0 && !r.s.over()
}

// Settle hands over what is pending, waiting for the receiver. False means
// that the socket ends; what is left then is counted.
func (r *reader) Settle() bool {
	for i := range r.pending {
		m := &r.pending[i]
		if !r.wait(m) {
			r.s.count.droppedClosed.Add(uint64(len(r.pending) - i))
			r.pending = nil
			return false
		}
		*m = Message{}
	}
	if cap(r.pending) > 4*batch {
		r.pending = nil // a burst made it large; a socket that idles keeps little
	}
	r.pending = r.pending[:0]
	return !r.s.over()
}

func (r *reader) wait(m *Message) bool {
	if r.s.over() {
		return false
	}
	r.makeRoom()
	r.s.count.receive(1, len(m.Data))
	select {
	case r.out <- *m:
		return true
	case <-r.s.life.done:
		r.s.count.unreceive(len(m.Data))
		return false
	}
}

// patience counts the errors in a row that will not go away, and the refusals
// without a datagram between them.
type patience struct{ errors, refusals int }

const (
	// After so many errors, the longest of them 5 seconds apart, the socket
	// gives up.
	impatience = 12
	// After so many refusals a reader rests, each time longer, or a flood of
	// ICMP would keep it busy.
	refusalBurst = 64
)

// readError reports an error of the kernel's. What it returns ends the socket.
func (s *Socket) readError(conn kernel.Conn, err error, p *patience) error {
	if refused(err) {
		s.refusal(conn, err)
		s.bear(p, nil)
		return nil
	}
	if p.errors < impatience && !unhealable(err) {
		s.report(s.opError("read", netip.AddrPort{}, err))
	}
	return s.endure(err, p, nil)
}

// bear rests when refusals do not end.
func (s *Socket) bear(p *patience, stop <-chan struct{}) {
	if p.refusals++; p.refusals%refusalBurst == 0 {
		_ = s.rest(time.Millisecond<<min(p.refusals/refusalBurst, 6), stop)
	}
}

// endure waits after an error that comes again at once, each time longer, or
// until stop. It returns what cannot heal, or has not for too long.
func (s *Socket) endure(err error, p *patience, stop <-chan struct{}) error {
	if p.errors++; unhealable(err) || p.errors > impatience {
		return s.opError("read", netip.AddrPort{}, err)
	}
	_ = s.rest(min(50*time.Millisecond<<(p.errors-1), 5*time.Second), stop)
	return nil
}
