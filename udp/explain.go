package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// explained is an error of the kernel with what a user can do about it.
type explained struct {
	err  error
	text string
}

func (e *explained) Error() string { return e.err.Error() + ": " + e.text }

func (e *explained) Unwrap() error { return e.err }

// explain returns err, with which the kernel refused d, with its reason where that is
// known.
func (se *sender) explain(conn kernel.Conn, d *kernel.Datagram, err error) error {
	switch to := se.s.rules().target(d.To).Addr(); {
	case err == nil:
		return nil
	case errors.Is(err, posix.EACCES) && isBroadcast(to):
		if on, e := conn.Option(kernel.Broadcast); e == nil && on == 0 {
			return &explained{err, "broadcast is off (WithBroadcast)"}
		}
	case errors.Is(err, posix.EMSGSIZE):
		return &explained{err, fmt.Sprintf("datagram of %d bytes, and the limit is the MTU of the path or the send buffer", d.Len())}
	case errors.Is(err, posix.EDESTADDRREQ) && d.To == netip.AddrPort{}: // Disconnect was faster
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return err
}

// isBroadcast reports whether a is a broadcast address of this host.
func isBroadcast(a netip.Addr) bool {
	if a == broadcast || !a.Is4() {
		return a == broadcast
	}
	addrs, _ := net.InterfaceAddrs() // without them, the text lacks the reason
	for _, own := range addrs {
		if p, err := netip.ParsePrefix(own.String()); err == nil && p.Contains(a) && a == lastOf(p) {
			return true
		}
	}
	return false
}

// lastOf returns the last address of an IPv4 prefix.
func lastOf(p netip.Prefix) netip.Addr {
	last := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(last)
}
