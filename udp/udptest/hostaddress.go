package udptest

import (
	"fmt"
	"net/netip"

	"example.com/dgram/udp/udptest/internal/sim"
)

// The prefixes of the addresses that hosts are given which the test gives none.
var (
	automatic4 = netip.MustParsePrefix("198.18.0.0/15")
	automatic6 = netip.MustParsePrefix("2001:db8::/64")
)

// addressing knows which addresses are in use, and gives out others.
type addressing struct {
	used map[netip.Addr]bool
	last int // that was given out
}

// use notes an address that the test has chosen.
func (a *addressing) use(addr netip.Addr) {
	if a.used == nil {
		a.used = map[netip.Addr]bool{}
	}
	a.used[addr] = true
}

// next gives the host with a number, from 1, an address of each family that nothing
// on the network has: with its number, or else with a later one.
func (a *addressing) next(number int) ([]sim.Address, error) {
	for a.last = max(a.last+1, number); a.last < 1<<(32-automatic4.Bits())-1; a.last++ { // the last one is for broadcasts
		four, six := numbered(automatic4, a.last), numbered(automatic6, a.last)
		if !a.used[four.Addr()] && !a.used[six.Addr()] {
			return []sim.Address{{Interface: "eth0", Prefix: four}, {Interface: "eth0", Prefix: six}}, nil
		}
	}
	return nil, fmt.Errorf("no automatic address is left in %v", automatic4)
}

// numbered is an address in a prefix, with the prefix's length.
func numbered(p netip.Prefix, n int) netip.Prefix {
	b := p.Addr().AsSlice()
	for i := len(b) - 1; n > 0; i-- {
		n += int(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	addr, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(addr, p.Bits())
}

// parse reads the addresses of one host.
func parse(texts []string) ([]sim.Address, error) {
	all := make([]sim.Address, 0, len(texts))
	for _, text := range texts {
		a, err := sim.ParseAddress(text)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if ip := a.Prefix.Addr(); ip == other.Prefix.Addr() && (a.Interface == other.Interface || !ip.IsLinkLocalUnicast()) {
				return nil, fmt.Errorf("address %q: the host has %v already", text, ip)
			}
		}
		all = append(all, a)
	}
	return all, nil
}
