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
// a loop has taken when the loop reads again or ends.
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
		for {
			m, soft, ok := st.step(ctx)
			if !ok || !yield(m, soft) {
				return
			}
		}
	}
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
func (st *stream) endLoop() {
	if st.turn.tryLock() {
		st.unwatch()
		st.reportNews()
		st.unlock()
	}
	st.looping.Store(false)
}

// step takes what a loop yields next. It reports false at the end. It holds the
// turn while it takes and reads, so that the body of the loop may read as well.
func (st *stream) step(ctx context.Context) (m Message, soft error, ok bool) {
	if st.lock(ctx) != nil {
		return m, nil, false
	}
	var end error
	for soft == nil && end == nil {
		if ok = st.take(&m); ok {
			break
		}
		soft, end = st.fill(ctx)
	}
	st.turn.unlock() // counted by the next fill, or by endLoop: no cost for each datagram
	return m, soft, ok || soft != nil
}
