package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"example.com/dgram/internal/kernel"
)

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
