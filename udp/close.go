package udp

import (
	"context"
	"errors"
)

// How a socket ends, whatever the cause:
//
//	context done ──┐
//	Close ─────────┼─▶ lifetime ends, with a cause ─▶ teardown, once
//	fatal error ───┘
//
// The end of lifetime wakes every goroutine that waits for a channel; a read
// deadline wakes the readers that wait for the kernel. When the readers and the
// writer have ended, what is left in the kernel's buffer is counted, the
// descriptor is freed and the channels are closed. Close waits for all of it, and
// none of it waits for a receiver.

// errClose is the cause of a socket that was closed on purpose.
var errClose = errors.New("closed")

// watchContexts ends the socket when one of the contexts is done.
func (s *Socket) watchContexts(contexts []context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range contexts {
		if c.Done() == nil {
			continue
		}
		stop, rest := context.AfterFunc(c, func() { s.shutdown(context.Cause(c)) }), s.unwatch
		s.unwatch = func() {
			stop()
			if rest != nil {
				rest()
			}
		}
	}
}

// shutdown begins the end of the socket. It does not wait, because readers call it.
func (s *Socket) shutdown(cause error) {
	if s.lifetime.end(cause) {
		go s.teardown()
	}
}

// Close ends the socket. It returns after all of the socket's goroutines have
// ended and the descriptor is free; senders that wait get [net.ErrClosed]. It
// needs no reader, may be called from any goroutine and any number of times,
// and always returns nil.
//
// What was received can still be received. What was queued in the Outbox and
// not sent is counted (Stats.SendDropped): [Socket.Flush] first, where it
// matters.
func (s *Socket) Close() error {
	s.shutdown(errClose)
	<-s.ended.done()
	return nil
}

// Done is closed when the socket has ended: its goroutines are gone, its
// descriptor is free and its channels are closed.
func (s *Socket) Done() <-chan struct{} { return s.ended.done() }

// Err is why the socket ended: nil while it is open and after Close, the
// context's cause, or the error that it could not live with.
func (s *Socket) Err() error {
	if cause := s.lifetime.cause(); cause != errClose {
		return cause
	}
	return nil
}

// teardown ends everything. It runs once, in its own goroutine.
func (s *Socket) teardown() {
	s.mu.Lock()
	s.closing = true // a Bind on its way closes what it opened
	ep, unwatch := s.endpoint.Load(), s.unwatch
	s.mu.Unlock()
	s.readDeadline.end()
	_ = s.group.Wait() // its error is the cause already
	resume := s.stopCalls()

	if ep != nil {
		for _, conn := range ep.conns {
			s.count.droppedClosed.Add(conn.Discard())
			conn.Drops() // for the last time: Stats keeps it
			conn.Close()
		}
	}
	s.endStream()
	if unwatch != nil {
		unwatch()
	}
	resume()
	s.ended.set(true)
}

// stopCalls waits until no call of All, Receive or the view reads the kernel socket,
// and keeps the turn to read until resume is called. Each of these calls holds its turn
// for as long as it reads, and none of them waits any more: readDeadline has ended.
func (s *Socket) stopCalls() (resume func()) {
	s.mu.Lock()
	st, v := s.receive.stream.Load(), s.view
	s.mu.Unlock()
	if st != nil {
		st.turn.lock(nil, nil)
		st.unwatch()
		st.last = nil
	}
	if v != nil {
		v.reading.lock(nil, nil)
	}
	return func() {
		if st != nil {
			st.turn.unlock()
		}
		if v != nil {
			v.reading.unlock()
		}
	}
}

// Wait blocks while the socket is open and referenced, and then returns
// [Socket.Err]: the main goroutine of a program that lives as long as its
// sockets ends with it.
func (s *Socket) Wait() error {
	select {
	case <-s.ended.done():
	case <-s.unreferenced.done():
	}
	return s.Err()
}

// Unref makes Wait return although the socket is open: it does not keep the
// program alive. A second call does nothing.
func (s *Socket) Unref() { s.unreferenced.set(true) }

// Ref undoes Unref. A socket begins referenced.
func (s *Socket) Ref() { s.unreferenced.set(false) }
