package udp

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// A stream is the socket's datagrams as calls pull them: the state that All,
// Receive, ReceiveBatch and TryReceive share. What one read brought waits in
// the stream until a call takes it.
type stream struct {
	s       *Socket
	turn    fifoMutex   // held while a call takes or reads, never while user code runs
	looping atomic.Bool // an All loop is running
	loan    loan        // of that loop

	// The rest is guarded by turn.
	r       *reader // its pending bursts are what was read
	next    int     // the first of them that may have datagrams left
	news    []error // soft errors that no call has returned yet
	backoff readBackoff
	drained bool // the kernel has nothing left, and never will
	taken   taken

	waiting <-chan struct{} // Done of the context whose end wakes the reader
	last    <-chan struct{} // Done of the last context that a call waited with
	stop    func() bool     // ends the watch of that context
}

// pull returns the socket's stream. The first call claims it.
func (s *Socket) pull() (*stream, error) {
	if st := s.receive.stream.Load(); st != nil {
		return st, nil
	}
	if s.cfg.readers > 1 {
		return nil, errors.ErrUnsupported
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.receive.ended {
		return nil, s.receiveError()
	}
	if !s.receive.claim(readByCalls) {
		return nil, ErrReading
	}
	_ = s.readDeadline.setUser(time.Time{})
	if s.receive.stream.Load() == nil {
		s.receive.stream.Store(&stream{s: s})
	}
	return s.receive.stream.Load(), nil
}

// lock waits for the turn to read. Every call holds it for as long as it takes
// or reads. The datagrams that a loop has not claimed come first.
func (st *stream) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !st.turn.lock(ctx.Done(), nil) { // the end of the socket wakes the call that has the turn
		return ctx.Err()
	}
	st.recall()
	return nil
}

// tryLock is lock for calls that do not wait.
func (st *stream) tryLock() bool {
	if !st.turn.tryLock() {
		return false
	}
	st.recall()
	return true
}

// unlock counts what the call took and gives the turn to the next.
func (st *stream) unlock() {
	st.s.count.take(&st.taken)
	st.turn.unlock()
}

// take moves the next datagram that was read to m.
func (st *stream) take(m *Message) bool {
	r := st.r
	if r == nil {
		return false
	}
	for ; st.next < len(r.pending); st.next++ {
		u := &r.pending[st.next]
		if u.left == 0 || st.s.refuse(u) {
			continue
		}
		*m = u.head
		u.next()
		st.taken.add(m)
		return true
	}
	st.reset()
	return false
}

// takeAll moves datagrams that were read to ms, as many as there are and fit.
func (st *stream) takeAll(ms []Message) (n int) {
	r := st.r
	if r == nil {
		return 0
	}
	for ; st.next < len(r.pending); st.next++ {
		u := &r.pending[st.next]
		st.s.refuse(u)
		if n += u.take(ms[n:], &st.taken); u.left > 0 {
			return n
		}
	}
	st.reset()
	return n
}

// reset forgets what was taken: all of it.
func (st *stream) reset() {
	r := st.r
	if cap(r.pending) > 2*maxPackets {
		r.pending = nil // an idle socket keeps little
	}
	r.pending, st.next = r.pending[:0], 0
}

// pending reports whether something that was read waits to be taken.
func (st *stream) pending() bool {
	if st.r == nil {
		return false
	}
	for i := st.next; i < len(st.r.pending); i++ {
		if st.r.pending[i].left > 0 {
			return true
		}
	}
	return false
}
