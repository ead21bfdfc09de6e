package udptest

import (
	"fmt"
	"time"

	"example.com/dgram/udp/udptest/internal/sim"
)

// A NATKind is how a NAT maps addresses and which senders it admits, in the words of
// RFC 3489, section 5.
type NATKind int

const (
	// FullCone gives a socket one outside port and admits every sender to it.
	FullCone NATKind = iota
	// RestrictedCone gives a socket one outside port and admits the hosts that
	// the socket has sent to.
	RestrictedCone
	// PortRestricted gives a socket one outside port and admits the addresses
	// and ports that the socket has sent to.
	PortRestricted
	// Symmetric gives a socket another outside port for each address and port
	// that it sends to, and admits only that one.
	Symmetric
)

func (k NATKind) String() string {
	switch k {
	case FullCone:
		return "full cone"
	case RestrictedCone:
		return "restricted cone"
	case PortRestricted:
		return "port restricted"
	case Symmetric:
		return "symmetric"
	}
	return fmt.Sprintf("NATKind(%d)", int(k))
}

// NAT puts hosts behind a network address translator with the address outside.
// Inside hosts reach each other without it. What they send further has its
// source replaced; a mapping that carries nothing either way for idle ends, and
// lasts for ever where idle is 0. What the NAT does not admit is lost without an
// answer. It forwards what an inside host sends to its outside address, and
// takes one off the hop limit.
//
// The outside address may be a host's: a router, whose own sockets have the ports
// that no mapping has.
//
// Links are between hosts: between an inside host and one outside as well.
// Inside hosts of different NATs may have equal addresses.
func (n *Network) NAT(outsideAddr string, kind NATKind, idle time.Duration, inside ...*Host) {
	n.t.Helper()
	n.mine("NAT", inside...)
	a, err := outside(outsideAddr)
	switch {
	case err != nil:
		n.t.Fatalf("udptest: NAT: %v", err)
	case kind < FullCone || kind > Symmetric:
		n.t.Fatalf("udptest: NAT: unknown kind %d", int(kind))
	case idle < 0:
		n.t.Fatalf("udptest: NAT: negative idle time %v", idle)
	}
	n.mu.Lock()
	n.addressing.use(a)
	n.mu.Unlock()
	hosts := make([]*sim.Host, len(inside))
	for i, h := range inside {
		hosts[i] = h.host
	}
	if err := n.net.AddNAT(a, sim.NATKind(kind), idle, hosts...); err != nil {
		n.t.Fatalf("udptest: NAT: %v", err)
	}
}
