package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// An Address is one that a host is given: on an interface, with the prefix that
// it shares with its neighbours.
type Address struct {
	Interface string
	Prefix    netip.Prefix
}

// ParseAddress reads "192.0.2.1/24", "2001:db8::1/64" or "fe80::1%eth1/64". The
// interface is "eth0" unless a zone names it. Without a length it is 24 or 64.
func ParseAddress(s string) (Address, error) {
	a := Address{Interface: "eth0"}
	addr, length, sized := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return a, fmt.Errorf("address %q: %w", s, err)
	}
	bits := 24
	if ip = ip.Unmap(); ip.Is6() {
		bits = 64
	}
	if sized {
		if bits, err = strconv.Atoi(length); err != nil || bits < 0 || bits > ip.BitLen() {
			return a, fmt.Errorf("address %q: no prefix length: %q", s, length)
		}
	}
	if ip.Zone() != "" {
		a.Interface = ip.Zone()
	}
	ip = ip.WithZone("")
	_, number := strconv.Atoi(a.Interface)
	switch {
	case number == nil:
		return a, fmt.Errorf("address %q: an interface has a name that is no number", s)
	case a.Interface == "lo":
		return a, fmt.Errorf("address %q: every host has its loopback interface", s)
	case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback():
		return a, fmt.Errorf("address %q: not an address that a host can have", s)
	}
	a.Prefix = netip.PrefixFrom(ip, bits)
	return a, nil
}
