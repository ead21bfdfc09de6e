package udptest_test

import (
	"math/rand/v2"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

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
