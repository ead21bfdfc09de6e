package udptest_test

import (
	"fmt"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// A program is what a seed makes of the kernel contract: calls on a few sockets
// of two hosts.
type program []step

// A step is one call. The fields that its kind does not use are zero.
type step struct {
	kind   stepKind
	socket int // which one
	host   int
	config kernel.Config
	to     target
	from   string
	iface  string
	sizes  []int // of payloads; several are a batch
	tos    uint8
	ttl    uint8
	option kernel.Option
	value  int
	member kernel.Member
}

type stepKind int

const (
	opening stepKind = iota
	closing
	sending
	connecting
	disconnecting
	joining
	leaving
	blocking
	unblocking
	groupSending // hops, loopback and interface of groups
	setting
	receiving
	querying
	stepKinds
)

func (k stepKind) String() string {
	return [...]string{"open", "close", "send", "connect", "disconnect", "join", "leave", "block", "unblock",
		"group send", "set", "receive", "ask"}[k]
}

// A target is an address and the port of a socket, or a port.
type target struct {
	addr   string
	socket int // -1 for port
	port   uint16
}

func (t target) String() string {
	if t.socket < 0 {
		return fmt.Sprintf("%s port %d", t.addr, t.port)
	}
	return fmt.Sprintf("%s port of %d", t.addr, t.socket)
}

func (s step) String() string {
	where := fmt.Sprintf("%v %d", s.kind, s.socket)
	switch s.kind {
	case opening:
		c := s.config
		return fmt.Sprintf("%s on host %d: %s %q %v, only %v, reuse %v %v, broadcast %v, buffer %d, TTL %d, TOS %d, tells %v %v, info %v, device %q, df %v, errors %v",
			where, s.host, c.Network, s.from, s.to.port, c.IPv6Only, c.ReuseAddr, c.ReusePort, c.Broadcast, c.ReadBuffer, c.TTL, c.TOS, c.ReceiveTTL, c.ReceiveTOS, c.PacketInfo, c.Interface, c.DontFragment, c.ICMPErrors)
	case sending:
		return fmt.Sprintf("%s to %v from %q by %q, TOS %d, TTL %d: %v bytes", where, s.to, s.from, s.iface, s.tos, s.ttl, s.sizes)
	case connecting:
		return fmt.Sprintf("%s to %v", where, s.to)
	case joining, leaving, blocking, unblocking:
		return fmt.Sprintf("%s %v from %v on %q", where, s.member.Group, s.member.Source, s.iface)
	case setting:
		return fmt.Sprintf("%s option %d to %d", where, s.option, s.value)
	case groupSending:
		return fmt.Sprintf("%s: %d = %d, %q", where, s.option, s.value, s.iface)
	}
	return where
}

const sockets = 5 // of a program

// The addresses that a program uses. Those of the hosts are on a link; "own",
// "other" and their like stand for the addresses of the socket's host and of
// the other one.
var (
	addresses4 = []string{"own4", "own4", "other4", "other4", "other4", "127.0.0.1", "127.0.0.1", "127.0.0.5", "0.0.0.0", "239.1.1.1", "239.1.1.2", "10.0.0.255", "255.255.255.255", "127.255.255.255"}
	addresses6 = []string{"own6", "own6", "other6", "other6", "other6", "::1", "::1", "::", "ff05::1:1", "ff02::1:1%eth0", "ownlocal%eth0", "otherlocal%eth0", "otherlocal%eth0", "fe80::1%nosuch0"}
	groups4    = []string{"239.1.1.1", "239.1.1.2", "224.0.0.251"}
	groups6    = []string{"ff05::1:1", "ff02::1:1"}
)

// resolve makes an address of a name, for a socket of a host.
func resolve(name string, host int, local [2]netip.Addr) string {
	own, other := host, 1-host
	four := [2]string{"10.0.0.1", "10.0.0.2"}
	six := [2]string{"fd00::1", "fd00::2"}
	switch name {
	case "own4":
		return four[own]
	case "other4":
		return four[other]
	case "own6":
		return six[own]
	case "other6":
		return six[other]
	case "ownlocal%eth0":
		return local[own].String() + "%eth0"
	case "otherlocal%eth0":
		return local[other].String() + "%eth0"
	}
	return name
}
