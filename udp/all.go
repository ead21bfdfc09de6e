package udp

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/netip"
)

// All returns the stream of datagrams without a channel: the loop reads the
// socket itself, which saves a hop and wakes no other goroutine.
//
//	for m, err := range s.All(ctx) {
//		if err != nil {
//			log.Print(err) // soft: the loop goes on
//			continue
//		}
//		if err := s.Reply(ctx, m, m.Data); err != nil {
//			log.Print(err)
//		}
//	}
//
// All yields every datagram, and every soft error with a zero Message. These
// errors do not go to Errors as well. The loop ends when ctx ends or the socket
// does, and yields nothing for that: ask ctx.Err and [Socket.Err]. After the end
// of the socket it yields what was received before. On an unbound socket it waits
// for the bind.
//
// Leaving the loop loses nothing: what was already read comes first the next
// time. The body may call [Socket.Receive], [Socket.ReceiveBatch] and
// [Socket.TryReceive], which go on where the loop is. Stats.Received counts what
// a loop has taken once that is all that one read brought, or when the loop reads
// again or ends.
//
// A second loop at the same time yields [ErrReading], as does one on a socket
// that is read in another way; with [WithReaders] it is errors.ErrUnsupported.
func (s *Socket) All(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		st, err := s.beginLoop(ctx)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				yield(Message{}, s.opError("read", netip.AddrPort{}, err))
			}
			return
		}
		defer st.endLoop()
		st.loop(ctx, yield)
	}
}

// loop yields what the stream brings, until the body of the loop, ctx or the
// socket ends it. It has the turn only while it reads, so that the body may read
// as well.
func (st *stream) loop(ctx context.Context, yield func(Message, error) bool) {
	endless := ctx.Done() == nil
	for endless || ctx.Err() == nil {
		if m := st.loan.claim(); m != nil {
			if st.s.stranger(m.From) {
				st.s.countStrangers(1)
				m.Release()
				continue
			}
			st.loan.taken.add(m)
			if st.loan.left == 0 {
				st.s.count.take(&st.loan.taken)
			}
			if !yield(*m, nil) {
				return
			}
			continue
		}
		soft, ok := st.refill(ctx)
		if !ok || soft != nil && !yield(Message{}, soft) {
			return
		}
	}
}

// refill waits for the turn and for something to yield: datagrams, which it
// lends to the loop, or a soft error. It reports false at the end.
func (st *stream) refill(ctx context.Context) (soft error, ok bool) {
	l := &st.loan
	st.s.count.take(&l.taken)
	if st.lock(ctx) != nil {
		return nil, false
	}
	l.forget()
	var end error
	for soft == nil && end == nil && !st.lend() {
		soft, end = st.fill(ctx)
	}
	st.unlock()
	return soft, end == nil
}

// beginLoop lets one loop in at a time.
func (s *Socket) beginLoop(ctx context.Context) (*stream, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	st, err := s.pull()
	if err != nil {
		return nil, err
	}
	if !st.looping.CompareAndSwap(false, true) {
		return nil, ErrReading
	}
	return st, nil
}

// endLoop counts what the loop took, and reports the soft errors that it left.
// If another call has the turn, that call reads on, and has recalled or will
// recall what the loop has not claimed.
func (st *stream) endLoop() {
	st.s.count.take(&st.loan.taken)
	if st.tryLock() {
		st.loan.forget()
		st.unwatch()
		st.reportNews()
		st.unlock()
	}
	st.loan.left = 0
	st.looping.Store(false)
}
