package udp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/internal/host"
)

// One question, every kind of socket and of datagram, and no socket.
func TestWhereADatagramMayGo(t *testing.T) {
	four, six := netip.MustParseAddrPort("192.0.2.1:9"), netip.MustParseAddrPort("[2001:db8::1]:9")
	from4, from6 := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")
	var nowhere netip.AddrPort
	for network, r := range map[string]rules{
		"udp4":           {network: "udp4"},
		"udp6":           {network: "udp6"},
		"udp6 alone":     {network: "udp6", v6only: true},
		"udp":            {network: "udp"},
		"udp alone":      {network: "udp", v6only: true},
		"udp4 connected": {network: "udp4", peer: four},
		"udp6 connected": {network: "udp6", peer: six},
	} {
		takes4, takes6 := !strings.Contains(network, "alone"), !strings.Contains(network, "udp4")
		connected := strings.Contains(network, "connected")
		for _, c := range []struct {
			to          netip.AddrPort
			from        netip.Addr
			size, parts int
			free, bound error // of a socket without and with a peer
		}{
			{four, netip.Addr{}, 0, 1, family(takes4), ErrAlreadyConnected},
			{six, netip.Addr{}, 0, 1, family(takes6), ErrAlreadyConnected},
			{four, from4, 65507, 1024, family(takes4), ErrAlreadyConnected},
			{four, from6, 0, 1, ErrAddressFamily, ErrAlreadyConnected},
			{six, from4, 0, 1, ErrAddressFamily, ErrAlreadyConnected},
			{netip.AddrPortFrom(four.Addr(), 0), netip.Addr{}, 0, 1, or(family(takes4), ErrBadPort), ErrAlreadyConnected},
			{netip.AddrPortFrom(netip.Addr{}, 9), netip.Addr{}, 0, 1, ErrAddressFamily, ErrAlreadyConnected},
			{four, netip.Addr{}, 65508, 1, or(family(takes4), syscall.EMSGSIZE), ErrAlreadyConnected},
			{six, netip.Addr{}, 65527, 1, family(takes6), ErrAlreadyConnected},
			{six, netip.Addr{}, 65528, 1, or(family(takes6), syscall.EMSGSIZE), ErrAlreadyConnected},
			{six, netip.Addr{}, 0, 1025, or(family(takes6), syscall.EMSGSIZE), ErrAlreadyConnected},
			{nowhere, netip.Addr{}, 0, 1, ErrNotConnected, nil},
			{nowhere, netip.Addr{}, 65528, 1, ErrNotConnected, syscall.EMSGSIZE},
		} {
			want := c.free
			if connected {
				want = c.bound
			}
			err := r.check(c.to, c.from, c.size, c.parts)
			if want == nil && err != nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: to %v from %v, %d bytes in %d parts: %v, want %v", network, c.to, c.from, c.size, c.parts, err, want)
			}
		}
	}
}

func family(takes bool) error {
	if takes {
		return nil
	}
	return ErrAddressFamily
}

func or(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func TestADestinationMayBeBlocked(t *testing.T) {
	r := rules{network: "udp", block: netip.MustParsePrefix("192.0.2.0/24")}
	blocked, fine := netip.MustParseAddrPort("192.0.2.1:9"), netip.MustParseAddrPort("198.51.100.1:9")
	if err := r.check(blocked, netip.Addr{}, 0, 1); err != ErrBlocked {
		t.Error(err)
	}
	if err := r.check(fine, netip.Addr{}, 0, 1); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownZoneIsNoDestination(t *testing.T) {
	unbound, bound := rules{network: "udp6", system: host.System{}}, rules{network: "udp6"}
	to := netip.MustParseAddrPort("[fe80::1%nosuch]:9")
	if err := unbound.check(to, netip.Addr{}, 0, 1); !errors.Is(err, syscall.ENODEV) {
		t.Error(err)
	}
	if err := bound.check(to, netip.Addr{}, 0, 1); err != nil { // the kernel package resolves it
		t.Error(err)
	}
}

func TestTooLongSaysSizeAndLimit(t *testing.T) {
	r := rules{network: "udp4"}
	err := r.check(netip.MustParseAddrPort("192.0.2.1:9"), netip.Addr{}, 70000, 1)
	if text := fmt.Sprint(err); !strings.Contains(text, "70000") || !strings.Contains(text, "65507") {
		t.Error(text)
	}
}
