package udp

import (
	"context"
)

// fill waits for the next read and reads. It returns a soft error that a call
// should return, or in end why there is nothing more to come: the context's
// error or that of a socket that has ended. If both are nil there may be
// something to take.
func (st *stream) fill(ctx context.Context) (soft, end error) {
	if soft = st.nextError(); soft != nil {
		return soft, nil
	}
	st.s.count.take(&st.taken)
	if end = st.endedFor(ctx); end != nil {
		return nil, end
	}
	if st.r == nil && !st.open(ctx) {
		return nil, st.endedFor(ctx)
	}
	st.afterRead(st.guard(func() error { return st.wait(ctx) }), ctx.Done())
	return nil, nil
}

// guard runs read. A block list, which is the caller's code, may panic in it: then the
// turn is given back.
func (st *stream) guard(read func() error) error {
	returned := false
	defer func() {
		if !returned {
			st.turn.unlock()
		}
	}()
	err := read()
	returned = true
	return err
}

// endedFor returns why a call with ctx gets nothing more, or nil.
func (st *stream) endedFor(ctx context.Context) error {
	if st.drained || st.s.streamEnded() {
		return st.s.receiveError()
	}
	return ctx.Err()
}

// poll reads what is there without waiting. It reports whether there may be
// something to take.
func (st *stream) poll() bool {
	s := st.s
	if st.drained || s.streamEnded() {
		return false
	}
	if st.r == nil {
		ep := s.endpoint.Load()
		if ep == nil {
			return false
		}
		st.start(ep)
	}
	err := st.guard(func() error { return st.r.conn.TryReceive(st.r) })
	st.afterRead(err, s.lifetime.done)
	return err != nil && !st.drained || len(st.r.pending) > 0
}

// open waits for the bind. It reports whether the socket has an address. A socket
// that is drained before it has one never will.
func (st *stream) open(ctx context.Context) bool {
	select {
	case <-st.s.listening.done():
	case <-st.s.drainBegun.done():
		if st.s.endpoint.Load() == nil {
			st.drained = true
			return false
		}
	case <-ctx.Done():
		return false
	case <-st.s.lifetime.done:
		return false
	}
	st.start(st.s.endpoint.Load())
	return true
}

func (st *stream) start(ep *endpoint) {
	s := st.s
	st.r = s.newReader(ep.conns[0], nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startOffload(ep)
}

// wait reads, and waits for something to read. A context's end wakes the read
// through the read deadline. Watching a context costs an allocation, so the
// first look does not wait, and the watch is kept while calls come with the same
// context.
func (st *stream) wait(ctx context.Context) error {
	conn, done := st.r.conn, ctx.Done()
	if done == nil || done == st.waiting {
		return conn.Receive(st.r, true)
	}
	if err := conn.TryReceive(st.r); err != nil || len(st.r.pending) > 0 {
		return err
	}
	st.watch(ctx)
	err := conn.Receive(st.r, true)
	if done != st.last {
		st.last = done
		st.unwatch()
	}
	return err
}

// watch makes the end of ctx wake the read.
func (st *stream) watch(ctx context.Context) {
	st.unwatch()
	done, deadline := ctx.Done(), &st.s.readDeadline
	st.waiting = done
	deadline.setReader(done)
	st.stop = context.AfterFunc(ctx, func() { deadline.interrupt(done) })
}

// unwatch ends the watch.
func (st *stream) unwatch() {
	if st.stop == nil {
		return
	}
	st.stop()
	st.s.readDeadline.setReader(nil)
	st.waiting, st.stop = nil, nil
}
