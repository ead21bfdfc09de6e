package netlab

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// errFormat is wrapped in errors about files of the kernel.
var errFormat = errors.New("unknown format")

// parseIGMP returns the groups of an interface from /proc/net/igmp, where a line
// for each interface precedes those of its groups.
func parseIGMP(text []byte, name string) ([]netip.Addr, error) {
	var groups []netip.Addr
	var here bool
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "Idx":
		case !strings.HasPrefix(line, "\t"):
			here = len(fields) > 1 && fields[1] == name
		case here:
			ip, err := parseHostOrder(fields[0])
			if err != nil {
				return nil, fmt.Errorf("igmp: %w", err)
			}
			groups = append(groups, ip)
		}
	}
	return groups, nil
}

// parseIGMP6 returns the groups of an interface from /proc/net/igmp6.
func parseIGMP6(text []byte, name string) ([]netip.Addr, error) {
	var groups []netip.Addr
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[1] != name {
			continue
		}
		b, err := hex.DecodeString(fields[2])
		ip, ok := netip.AddrFromSlice(b)
		if err != nil || !ok {
			return nil, fmt.Errorf("igmp6: %q: %w", fields[2], errFormat)
		}
		groups = append(groups, ip)
	}
	return groups, nil
}

// parseHostOrder parses the hexadecimal digits of an address that the kernel
// printed as 32 bit words in the byte order of the machine.
func parseHostOrder(s string) (netip.Addr, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return netip.Addr{}, err
	}
	for i := 0; i+4 <= len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.Addr{}, fmt.Errorf("%q: %w", s, errFormat)
	}
	return ip, nil
}
