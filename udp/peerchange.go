package udp

import "errors"

// errPeerChanged means that a queued datagram was for a peer that the socket has no
// more.
var errPeerChanged = errors.New("the peer of the socket has changed")

// peerChange pauses the writer while Connect or Disconnect changes the peer. What was
// queued before is sent to the peer it was queued for, or fails; what is queued
// afterwards goes to the new peer.
type peerChange struct {
	paused chan struct{} // closed by the writer, when it sends nothing any more
	resume chan struct{} // closed when the peer has changed
	done   chan struct{} // closed by the writer, when the queue may be used again
}

// pauseWriter pauses the writer until the function that it returns is called. The
// caller holds addrMu.
func (s *Socket) pauseWriter() (resume func()) {
	c := &peerChange{paused: make(chan struct{}), resume: make(chan struct{}), done: make(chan struct{})}
	s.mu.Lock()
	s.peerChange = c // for an Outbox that is made meanwhile
	o := s.outbox
	s.mu.Unlock()
	if o != nil {
		select {
		case o.change <- c:
			wait(c.paused, o.ended)
		case <-o.ended:
		}
	}
	return func() {
		s.mu.Lock()
		s.peerChange = nil
		o := s.outbox
		s.mu.Unlock()
		close(c.resume)
		if o != nil {
			wait(c.done, o.ended)
		}
	}
}

// wait waits until one of two channels is closed.
func wait(a, b <-chan struct{}) {
	select {
	case <-a:
	case <-b:
	}
}

// pause sends what is queued, without waiting for room, and then waits until the peer
// has changed. What the queue holds after that may still be for the last peer, until
// it was empty once.
func (w *writer) pause() {
	w.fill(len(w.batch) + len(w.o.in))
	w.send()
	close(w.change.paused)
	select {
	case <-w.change.resume:
	case <-w.s.lifetime.done:
		return
	}
	change := w.change
	w.change, w.stale = nil, true
	w.fill(w.limit)
	close(change.done)
}
