package netlab

import (
	"fmt"
	"net/netip"
)

// Memberships returns the multicast groups that an interface has joined for any
// socket or for the kernel itself, in no particular order. An IPv6 group has no
// zone.
func (h *Host) Memberships(name string) ([]netip.Addr, error) {
	v4, err := h.readNet("igmp")
	if err != nil {
		return nil, err
	}
	groups, err := parseIGMP(v4, name)
	if err != nil || haveIPv6() != nil {
		return groups, err
	}
	v6, err := h.readNet("igmp6")
	if err != nil {
		return nil, err
	}
	more, err := parseIGMP6(v6, name)
	return append(groups, more...), err
}

// readNet returns a file of /proc/net.
func (h *Host) readNet(name string) ([]byte, error) {
	text, err := h.read("/proc/thread-self/net/" + name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h, err)
	}
	return text, nil
}

// UDPSockets lists the UDP sockets of h.
func (h *Host) UDPSockets() ([]UDPSocket, error) {
	text, err := h.readNet("udp")
	if err != nil {
		return nil, err
	}
	sockets, err := parseUDP(text)
	if err != nil || haveIPv6() != nil {
		return sockets, err
	}
	text, err = h.readNet("udp6")
	if err != nil {
		return nil, err
	}
	more, err := parseUDP(text)
	return append(sockets, more...), err
}

// UDPCounters returns the counters of h for UDP over IPv4.
func (h *Host) UDPCounters() (UDPCounters, error) {
	text, err := h.readNet("snmp")
	if err != nil {
		return UDPCounters{}, err
	}
	return parseSNMP(text)
}

// UDP6Counters returns the counters of h for UDP over IPv6.
func (h *Host) UDP6Counters() (UDPCounters, error) {
	text, err := h.readNet("snmp6")
	if err != nil {
		return UDPCounters{}, err
	}
	return parseSNMP6(text)
}
