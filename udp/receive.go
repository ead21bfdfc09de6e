package udp

import (
	"context"
	"errors"
	"net/netip"
)

// Receive returns the next datagram, or the next soft error, as [Socket.All]
// yields them. It waits for one, for ctx or for the end of the socket.
//
//	for {
//		m, err := s.Receive(ctx)
//		switch {
//		case err == nil:
//			handle(m)
//		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
//			return err
//		default:
//			log.Print(err) // the network's report about an earlier datagram
//		}
//	}
//
// An error that is neither ctx's nor net.ErrClosed is soft: the socket goes on.
// After the end of the socket Receive returns what was received before, and then
// an error for which errors.Is finds net.ErrClosed and the cause.
//
// All, Receive, [Socket.ReceiveBatch] and [Socket.TryReceive] read one stream.
// They may be mixed, and called from several goroutines, which take turns. On a
// socket that is read in another way Receive returns [ErrReading], and with
// [WithReaders] errors.ErrUnsupported. On an unbound socket it waits for the
// bind.
func (s *Socket) Receive(ctx context.Context) (Message, error) {
	st, err := s.pullFor(ctx)
	if err != nil {
		return Message{}, err
	}
	var m Message
	for err == nil && !st.take(&m) {
		err = st.fillOrFail(ctx)
	}
	st.unlock()
	return m, err
}

// ReceiveBatch waits as [Socket.Receive] does for one datagram, and then takes
// as many as are there without waiting, at most len(ms). It returns their
// number. With an error the number is 0: a soft error that follows datagrams is
// returned by the next call. Elements beyond the number are left as they were.
// With an empty ms it returns 0 and nil at once.
func (s *Socket) ReceiveBatch(ctx context.Context, ms []Message) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	st, err := s.pullFor(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for err == nil {
		if n += st.takeAll(ms[n:]); n == len(ms) {
			break
		}
		if n > 0 {
			if len(st.news) > 0 || !st.poll() {
				break
			}
			continue
		}
		err = st.fillOrFail(ctx)
	}
	st.unlock()
	return n, err
}

// TryReceive returns a datagram that is there now. It never waits: it reports
// false if there is none, if another call reads at this moment, and after the
// end. A loop of TryReceive sees everything that the kernel holds, whatever the
// size of the message buffer:
//
//	for range ticker.C {
//		for m, ok := s.TryReceive(); ok; m, ok = s.TryReceive() {
//			apply(m)
//		}
//		step()
//	}
//
// Soft errors go to [Socket.Errors]. If the socket is read in another way it
// reports false, and ErrReading is on Errors once; with [WithReaders] that is
// errors.ErrUnsupported.
func (s *Socket) TryReceive() (Message, bool) {
	st, err := s.pull()
	if err != nil {
		s.refuseReader(err)
		return Message{}, false
	}
	if !st.tryLock() {
		return Message{}, false
	}
	var m Message
	ok := st.take(&m)
	for range maxSoftErrors {
		if ok || !st.poll() {
			break
		}
		ok = st.take(&m)
	}
	st.reportNews()
	st.unlock()
	return m, ok
}

// maxSoftErrors is how many soft errors in a row one TryReceive passes over.
const maxSoftErrors = 64

// pullFor returns the stream with the turn to read it.
func (s *Socket) pullFor(ctx context.Context) (*stream, error) {
	if ctx == nil {
		return nil, s.opError("read", netip.AddrPort{}, errNilContext)
	}
	st, err := s.pull()
	if err == nil {
		err = st.lock(ctx)
	}
	if err != nil {
		return nil, s.opError("read", netip.AddrPort{}, err)
	}
	return st, nil
}

// refuseReader puts on Errors, once, why TryReceive cannot read the socket.
func (s *Socket) refuseReader(err error) {
	if (errors.Is(err, ErrReading) || errors.Is(err, errors.ErrUnsupported)) && s.receive.refused.CompareAndSwap(false, true) {
		s.report(s.opError("read", netip.AddrPort{}, err))
	}
}

// fillOrFail is fill for a call that returns what fill reports.
func (st *stream) fillOrFail(ctx context.Context) error {
	soft, end := st.fill(ctx)
	if soft != nil {
		return soft
	}
	return st.s.opError("read", netip.AddrPort{}, end)
}
