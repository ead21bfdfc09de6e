package udp

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
)

// readBackoff counts consecutive read errors: for want of memory, and others of the
// receive call itself.
type readBackoff struct{ errors, icmp int }

const (
	// After so many consecutive errors, at most 5 seconds apart, the socket ends.
	maxReadErrors = 12
	// At most so many pending errors are taken at once.
	icmpBurst = 64
)

// readError reports a read error on Errors. It returns an error that ends the
// socket, or nil.
func (s *Socket) readError(conn kernel.Conn, err error, p *readBackoff) error {
	if isICMPError(err) {
		s.reportICMPErrors(conn, err)
		s.afterRefusal(err, p, nil)
		return nil
	}
	if p.errors < maxReadErrors && !isSocketGone(err) {
		s.report(s.opError("read", netip.AddrPort{}, err))
	}
	return s.afterError(err, p, nil)
}

// afterRefusal sleeps, each time longer, after an errno that is the receive call's
// own: it comes again. After [kernel.ErrPending] there is no sleep: that is what the
// network sent, as datagrams are.
func (s *Socket) afterRefusal(err error, p *readBackoff, stop <-chan struct{}) {
	if err != kernel.ErrPending {
		_ = s.sleep(time.Millisecond<<min(p.icmp, 6), stop)
		p.icmp++
	}
}

// afterError sleeps after a read error, each time longer, or until stop closes. It
// returns an error if reading can never succeed or has failed too often.
func (s *Socket) afterError(err error, p *readBackoff, stop <-chan struct{}) error {
	if p.errors++; isSocketGone(err) || p.errors > maxReadErrors {
		return s.opError("read", netip.AddrPort{}, err)
	}
	_ = s.sleep(min(50*time.Millisecond<<(p.errors-1), 5*time.Second), stop)
	return nil
}
