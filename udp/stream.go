package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"example.com/dgram/internal/kernel"
)

// A stream is the socket's datagrams as calls pull them: the state that All,
// Receive, ReceiveBatch and TryReceive share. What one read brought waits in
// the stream until a call takes it.
type stream struct {
	s       *Socket
	turn    fifoMutex   // held while a call takes or reads, never while user code runs
	looping atomic.Bool // an All loop is running

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
// or reads.
func (st *stream) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !st.turn.lock(ctx.Done(), nil) { // the end of the socket wakes the call that has the turn
		return ctx.Err()
	}
	return nil
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
		if u.left == 0 {
			continue
		}
		*m = u.head
		u.next()
		st.taken.add(m)
		return true
	}
	if cap(r.pending) > 2*maxPackets {
		r.pending = nil // an idle socket keeps little
	}
	r.pending, st.next = r.pending[:0], 0
	return false
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
	st.afterRead(st.wait(ctx), ctx.Done())
	return nil, nil
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
	err := st.r.conn.TryReceive(st.r)
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

// afterRead judges the result of a read. Soft errors become news.
func (st *stream) afterRead(err error, stop <-chan struct{}) {
	s := st.s
	switch {
	case err == nil:
		if len(st.r.pending) > 0 {
			st.backoff = readBackoff{}
		}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
		// The context or the socket has ended, which the caller looks at next.
	case errors.Is(err, kernel.ErrDrained):
		st.drained = true
	case isICMPError(err):
		st.news = append(st.news, s.takeICMPErrors(st.r.conn, err)...)
		s.afterRefusal(err, &st.backoff, stop)
	default:
		if fatal := s.afterError(err, &st.backoff, stop); fatal != nil {
			s.shutdown(fatal)
			return
		}
		st.news = append(st.news, s.opError("read", netip.AddrPort{}, err))
	}
}

// nextError returns the oldest soft error that no call has returned yet. What a
// call returns does not go to Errors as well.
func (st *stream) nextError() error {
	if len(st.news) == 0 {
		return nil
	}
	err := st.news[0]
	if st.news = st.news[1:]; len(st.news) == 0 {
		st.news = nil
	}
	st.s.errors.count()
	return err
}

// reportNews puts the soft errors on Errors, for a call that returns none.
func (st *stream) reportNews() {
	for _, err := range st.news {
		st.s.report(err)
	}
	st.news = nil
}
