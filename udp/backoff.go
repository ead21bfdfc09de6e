package udp

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
)

// readBackoff counts consecutive read errors and consecutive ICMP errors.
type readBackoff struct{ errors, icmp int }

const (
	// After so many consecutive errors, at most 5 seconds apart, the socket ends.
	maxReadErrors = 12
	// After so many consecutive ICMP errors a reader sleeps, so that a flood of
	// ICMP does not keep it busy.
	icmpBurst = 64
)

// readError reports a read error on Errors. It returns an error that ends the
// socket, or nil.
func (s *Socket) readError(conn kernel.Conn, err error, p *readBackoff) error {
	if isICMPError(err) {
		s.reportICMPErrors(conn, err)
		s.afterRefusal(p, nil)
		return nil
	}
	if p.errors < maxReadErrors && !isFatalRead(err) {
		s.report(s.opError("read", netip.AddrPort{}, err))
	}
	return s.afterError(err, p, nil)
}

// afterRefusal sleeps 1 to 64 ms after every 64th consecutive ICMP error.
func (s *Socket) afterRefusal(p *readBackoff, stop <-chan struct{}) {
	if p.icmp++; p.icmp%icmpBurst == 0 {
		_ = s.sleep(time.Millisecond<<min(p.icmp/icmpBurst, 6), stop)
	}
}

// afterError sleeps after a read error, each time longer, or until stop closes. It
// returns an error if reading can never succeed or has failed too often.
func (s *Socket) afterError(err error, p *readBackoff, stop <-chan struct{}) error {
	if p.errors++; isFatalRead(err) || p.errors > maxReadErrors {
		return s.opError("read", netip.AddrPort{}, err)
	}
	_ = s.sleep(min(50*time.Millisecond<<(p.errors-1), 5*time.Second), stop)
	return nil
}
