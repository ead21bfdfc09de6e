package udp

import (
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
)

// patience counts the errors in a row that will not go away, and the refusals
// without a datagram between them.
type patience struct{ errors, refusals int }

const (
	// After so many errors, the longest of them 5 seconds apart, the socket
	// gives up.
	impatience = 12
	// After so many refusals a reader rests, each time longer, or a flood of
	// ICMP would keep it busy.
	refusalBurst = 64
)

// readError reports an error of the kernel's. What it returns ends the socket.
func (s *Socket) readError(conn kernel.Conn, err error, p *patience) error {
	if refused(err) {
		s.refusal(conn, err)
		s.bear(p, nil)
		return nil
	}
	if p.errors < impatience && !unhealable(err) {
		s.report(s.opError("read", netip.AddrPort{}, err))
	}
	return s.endure(err, p, nil)
}

// bear rests when refusals do not end.
func (s *Socket) bear(p *patience, stop <-chan struct{}) {
	if p.refusals++; p.refusals%refusalBurst == 0 {
		_ = s.rest(time.Millisecond<<min(p.refusals/refusalBurst, 6), stop)
	}
}

// endure waits after an error that comes again at once, each time longer, or
// until stop. It returns what cannot heal, or has not for too long.
func (s *Socket) endure(err error, p *patience, stop <-chan struct{}) error {
	if p.errors++; unhealable(err) || p.errors > impatience {
		return s.opError("read", netip.AddrPort{}, err)
	}
	_ = s.rest(min(50*time.Millisecond<<(p.errors-1), 5*time.Second), stop)
	return nil
}
