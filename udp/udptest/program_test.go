package udptest_test

import (
	"fmt"
	"math/rand/v2"
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

// newProgram writes the program of a seed.
func newProgram(seed uint64) program {
	r := rand.New(rand.NewPCG(seed, 0))
	var p program
	for i := range 2 + r.IntN(sockets-1) {
		p = append(p, newOpening(r, i))
	}
	for range 5 + r.IntN(25) {
		p = append(p, newStep(r))
	}
	if small := r.IntN(2) == 0; !small {
		p.widen()
	} else {
		p.unbatch()
	}
	for i := range sockets { // nothing is left unseen
		p = append(p, step{kind: receiving, socket: i}, step{kind: querying, socket: i})
	}
	return p
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// often is true once in n times.
func often(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// widen gives every socket room for all that a program sends. Only the last
// datagram of a batch may be too long for the link: what is tried as a burst and
// refused costs a pending error, on Linux.
func (p program) widen() {
	for i := range p {
		for k := range p[i].sizes[:max(len(p[i].sizes)-1, 0)] {
			p[i].sizes[k] = min(p[i].sizes[k], 1400)
		}
		p[i].config.ReadBuffer = 0
		if p[i].kind == setting && p[i].option == kernel.ReadBuffer {
			p[i].value = 100000
		}
	}
}

// unbatch sends datagrams one by one: what a datagram takes of a small buffer
// depends on how a burst was cut. Nor is there an error queue, which takes room as
// well.
func (p program) unbatch() {
	for i := range p {
		p[i].config.ICMPErrors = false
		if len(p[i].sizes) > 1 {
			p[i].sizes = p[i].sizes[:1]
		}
	}
}

func newOpening(r *rand.Rand, socket int) step {
	s := step{kind: opening, socket: socket, host: r.IntN(2), to: target{socket: -1}}
	c := &s.config
	c.Network = pick(r, "udp4", "udp6")
	addrs := append([]string{"", "", ""}, addresses4...)
	if c.Network == "udp6" {
		addrs = append([]string{"", "", "", "own4"}, addresses6...)
		c.IPv6Only = often(r, 6)
	}
	s.from = pick(r, addrs...) // where to bind
	s.to.port = pick[uint16](r, 0, 0, 7001, 7001, 7002)
	c.ReuseAddr, c.ReusePort = often(r, 4), often(r, 8)
	if c.ReusePort = c.ReusePort && socket < 2; c.ReusePort {
		s.host = socket // one on a host: which of several has a datagram, Linux does not say
	}
	c.Broadcast = often(r, 2)
	c.DontFragment = often(r, 4)
	c.ICMPErrors = often(r, 6)
	c.ReceiveTOS, c.ReceiveTTL = often(r, 3), often(r, 3)
	if often(r, 6) {
		c.TOS = r.IntN(256)
	}
	c.PacketInfo = pick(r, kernel.Off, kernel.On, kernel.On)
	if often(r, 4) {
		c.ReadBuffer = pick(r, 1, 3000, 10000)
	}
	if often(r, 4) {
		c.TTL = pick(r, 1, 7, 255)
	}
	if often(r, 8) {
		c.Interface = pick(r, "eth0", "eth0", "lo", "nosuch0")
	}
	return s
}

func newTarget(r *rand.Rand, six bool) target {
	t := target{addr: pick(r, addresses4...), socket: r.IntN(sockets)}
	if six && r.IntN(4) > 0 {
		t.addr = pick(r, addresses6...)
	}
	if often(r, 4) {
		t.socket, t.port = -1, pick[uint16](r, 7001, 7002, 9)
	}
	return t
}

func newStep(r *rand.Rand) step {
	s := step{socket: r.IntN(sockets)}
	six := r.IntN(2) == 0
	s.kind = pick(r, sending, sending, sending, sending, sending, sending, sending, receiving, receiving, receiving,
		connecting, connecting, disconnecting, joining, joining, leaving, blocking, unblocking, setting, querying, closing, opening, groupSending)
	switch s.kind {
	case opening:
		return newOpening(r, s.socket)
	case sending:
		s.to = newTarget(r, six)
		if often(r, 6) {
			s.to.addr = "" // to the peer
		}
		if often(r, 8) {
			s.from = pick(r, "own4", "127.0.0.1", "other4", "239.1.1.1")
			if six {
				s.from = pick(r, "own6", "::1", "other6")
			}
		}
		if often(r, 8) {
			s.iface = pick(r, "eth0", "eth0", "lo", "nosuch0")
		}
		if often(r, 6) {
			s.tos = uint8(r.IntN(256))
		}
		if often(r, 6) {
			s.ttl = uint8(r.IntN(256))
		}
		for range pick(r, 1, 1, 1, 2, 5) {
			s.sizes = append(s.sizes, pick(r, 0, 1, 10, 100, 300, 300, 1000, 1472, 1473, 3000, 65507, 65508))
		}
	case connecting:
		s.to = newTarget(r, six)
	case joining, leaving, blocking, unblocking:
		s.member.Group = netip.MustParseAddr(pick(r, groups4...))
		sources := []string{"own4", "other4"}
		if six {
			s.member.Group = netip.MustParseAddr(pick(r, groups6...))
			sources = []string{"own6", "other6"}
		}
		s.iface = pick(r, "", "eth0", "eth0", "eth0", "lo", "nosuch0")
		if often(r, 3) || s.kind == blocking || s.kind == unblocking {
			s.from = pick(r, sources...)
		}
	case setting:
		s.option = pick(r, kernel.Broadcast, kernel.TTL, kernel.TOS, kernel.ReadBuffer)
		switch s.option {
		case kernel.Broadcast:
			s.value = r.IntN(2)
		case kernel.TTL:
			s.value = 1 + r.IntN(255)
		case kernel.TOS:
			s.value = r.IntN(256)
		default:
			s.value = pick(r, 1, 3000, 100000)
		}
	case groupSending:
		s.option = kernel.Option(r.IntN(3))
		s.value = pick(r, 0, 1, 1, 64)
		s.iface = pick(r, "", "eth0", "eth0", "lo", "nosuch0")
	}
	return s
}
