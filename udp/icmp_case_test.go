package udp_test

import (
	"fmt"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// ICMP of every type and code, about datagrams of a socket that has a healthy
// conversation.

// icmpKind is a type and code of ICMP.
type icmpKind struct{ kind, code uint8 }

// icmpKinds are those that a host can be sent about a datagram, and some that are
// assigned to nothing.
func icmpKinds(network string) (all []icmpKind) {
	if network == "udp4" {
		for code := range uint8(18) {
			all = append(all, icmpKind{3, code})
		}
		return append(all, icmpKind{4, 0}, icmpKind{5, 0}, icmpKind{5, 1}, icmpKind{11, 0}, icmpKind{11, 1}, icmpKind{11, 2},
			icmpKind{12, 0}, icmpKind{12, 1}, icmpKind{12, 2}, icmpKind{12, 3}, icmpKind{6, 0}, icmpKind{44, 0}, icmpKind{255, 255})
	}
	for code := range uint8(10) {
		all = append(all, icmpKind{1, code})
	}
	return append(all, icmpKind{2, 0}, icmpKind{2, 1}, icmpKind{3, 0}, icmpKind{3, 1}, icmpKind{3, 2}, icmpKind{4, 0}, icmpKind{4, 1}, icmpKind{4, 2},
		icmpKind{4, 3}, icmpKind{4, 10}, icmpKind{5, 0}, icmpKind{100, 0}, icmpKind{127, 0}, icmpKind{137, 0})
}

// queued reports whether Linux puts an error of this kind into the error queue.
func (k icmpKind) queued(network string) bool {
	if network == "udp4" {
		return k.kind == 3 && k.code <= 15 || k.kind == 11 && k.code != 1 || k.kind == 12
	}
	return k.kind >= 1 && k.kind <= 4
}

// An icmpCase is a socket of a kind, whom it talks to, and how it is read.
type icmpCase struct {
	name, network string // of the socket
	peer          string // network of the peer
	options       []udp.Option
	connected     bool
	queue         bool // WithICMPErrors
}

func icmpCases() (all []icmpCase) {
	for _, f := range []struct{ network, peer string }{{"udp4", "udp4"}, {"udp6", "udp6"}, {"udp", "udp4"}, {"udp", "udp6"}} {
		for _, c := range []icmpCase{
			{name: "unconnected"},
			{name: "connected", connected: true},
			{name: "ICMPErrors", queue: true, options: []udp.Option{udp.WithICMPErrors()}},
			{name: "connected ICMPErrors", queue: true, connected: true, options: []udp.Option{udp.WithICMPErrors()}},
			{name: "DontFragment", options: []udp.Option{udp.WithDontFragment()}},
			{name: "both", queue: true, options: []udp.Option{udp.WithICMPErrors(), udp.WithDontFragment()}},
		} {
			c.network, c.peer = f.network, f.peer
			all = append(all, c)
		}
	}
	return all
}

func (c icmpCase) String() string { return fmt.Sprintf("%s to %s %s", c.network, c.peer, c.name) }

// icmpHost is a host with loopback addresses of which one has a bad path.
func icmpHost(t *testing.T) *netlab.Host {
	t.Helper()
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	h := lab.Host("a")
	lab.Must(h.AddAddress("lo", "fd00::1/128"), h.AddAddress("lo", "fd00::2/128"))
	return h
}
