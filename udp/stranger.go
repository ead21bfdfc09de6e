package udp

import "net/netip"

// Connect narrows a socket to its peer. The kernel, and package kernel for what lay in
// the kernel's buffer, keep strangers out of all that is read from then on. This file
// removes what strangers sent before and what was read already: in the hand of the
// calls when they take it, in the channel of Messages before Connect returns.

// stranger reports whether the socket is connected to another peer than from. Zones do
// not matter: the device of a peer may have got another name.
func (s *Socket) stranger(from netip.AddrPort) bool {
	peer := s.endpoint.Load().peer
	return peer.IsValid() && !peer.Addr().IsMulticast() &&
		(from.Port() != peer.Port() || from.Addr().WithZone("") != peer.Addr().WithZone(""))
}

// refuse drops what is left of a stranger's burst, and reports whether it was one.
func (s *Socket) refuse(u *burst) bool {
	if u.left == 0 || !s.stranger(u.head.From) {
		return false
	}
	s.countStrangers(u.left)
	u.release()
	return true
}

// countStrangers counts n datagrams of strangers that were read.
func (s *Socket) countStrangers(n int) {
	s.count.droppedHand.Add(uint64(n))
	s.count.droppedBlocked.Add(uint64(n))
}

// sift has the reader of Messages remove the datagrams of strangers, and waits until
// that is done. The caller holds addrMu. With [WithReaders] nothing is removed: the
// other kernel sockets hear strangers anyway.
func (s *Socket) sift() {
	s.mu.Lock()
	r := s.receive.reader
	s.mu.Unlock()
	if r == nil {
		return
	}
	done := make(chan struct{})
	select {
	case r.sifts <- done:
	case <-s.lifetime.done:
		return
	}
	s.readDeadline.interrupt(nil)
	wait(done, s.lifetime.done)
}

// sift removes the datagrams of strangers from the channel and from pending. The reader
// alone sends on the channel, so that what it has taken out fits again, in order.
func (r *reader) sift(done chan<- struct{}) {
	s := r.s
	s.count.deliver(&r.sent)
	var kept []Message
	for range len(r.out) {
		m, ok := r.pop()
		switch {
		case !ok:
		case s.stranger(m.From):
			s.countStrangers(1)
			m.Release()
		default:
			kept = append(kept, m)
		}
	}
	for i := range kept {
		r.out <- kept[i]
		s.count.popped.Add(^uint64(0))
	}
	for i := range r.pending {
		s.refuse(&r.pending[i])
	}
	close(done)
}

// pop takes the oldest message out of the channel. It is counted before, so that
// Received never counts it for a moment.
func (r *reader) pop() (m Message, ok bool) {
	popped := &r.s.count.popped
	popped.Add(1)
	select {
	case m := <-r.out:
		return m, true
	default:
		popped.Add(^uint64(0))
		return m, false
	}
}
