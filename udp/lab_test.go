package udp_test

import (
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Faults of networks, made for real between hosts of a lab.

// listenOn makes a socket on a host.
func listenOn(t *testing.T, h *netlab.Host, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	var s *udp.Socket
	err := h.Do(func() (err error) {
		s, err = udp.Listen(t.Context(), network, address, opts...)
		return err
	})
	return mine(t, s, err)
}

// dialOn makes a connected socket on a host.
func dialOn(t *testing.T, h *netlab.Host, to netip.AddrPort, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	var s *udp.Socket
	err := h.Do(func() (err error) {
		s, err = udp.Dial(t.Context(), "udp4", to.String(), opts...)
		return err
	})
	return mine(t, s, err)
}

// neighbors are two hosts with a cable between them: 10.77.0.1 and 10.77.0.2.
func neighbors(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	a, b = lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	return lab, a, b
}

// routed are two hosts with a router between them: 10.77.1.1 and 10.77.2.2.
func routed(t *testing.T) (lab *netlab.Lab, a, router, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	a, router, b = lab.Host("a"), lab.Host("router"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.77.1.1/24"), router.Port("left", "10.77.1.254/24"))
	lab.Link(router.Port("right", "10.77.2.254/24"), b.Port("eth0", "10.77.2.2/24"))
	lab.Must(
		router.Forward(),
		router.SetSysctl("net.ipv4.icmp_ratelimit", "0"),
		a.AddRoute("0.0.0.0/0", "10.77.1.254"),
		b.AddRoute("0.0.0.0/0", "10.77.2.254"),
	)
	return lab, a, router, b
}

// What a source says about itself is not true because it says so. The kernel
// lets much of it through, and answers go nowhere they should not.
func TestASourceMayBeForged(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "0.0.0.0:0", udp.WithOffload(false))
	s.Messages()
	to := netip.AddrPortFrom(netip.MustParseAddr("10.77.0.2"), at(t, s).Port())
	lab.Must(b.AddRoute("0.0.0.0/0", "10.77.0.1"), b.SetSysctl("net.ipv4.conf.eth0.rp_filter", "0"), b.SetSysctl("net.ipv4.conf.all.rp_filter", "0"))
	for _, from := range []string{"203.0.113.9:53", "203.0.113.9:0", "10.77.0.255:53"} {
		forged := netlab.Forgery{MAC: mac(t, b), From: netip.MustParseAddrPort(from), To: to, Payload: []byte(from)}
		lab.Must(a.Inject("eth0", forged.Frame()))
		m := next(t, s)
		same(t, "source", m.From, forged.From)
		err := s.Reply(t.Context(), m, []byte("who are you?"))
		switch from {
		case "203.0.113.9:53":
			ok(t, err)
		case "203.0.113.9:0":
			fails(t, err, udp.ErrBadPort)
		default: // everybody on the network would get the answer
			fails(t, err, syscall.EACCES)
		}
	}
}

// What is broken on the wire the kernel keeps to itself, and counts.
func TestBrokenDatagramsAreTheKernelsAffair(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "10.77.0.2:0", udp.WithOffload(false))
	s.Messages()
	from := netip.MustParseAddrPort("10.77.0.1:53")
	before, err := b.UDPCounters()
	ok(t, err)
	for _, f := range []netlab.Forgery{
		{Payload: []byte("wrong sum"), Checksum: 1},
		{Payload: []byte("too long"), Length: 100},
		{Payload: []byte("good")},
		{Payload: []byte("good, and cut"), Length: 8 + 4},
		{Payload: []byte("the end")},
	} {
		f.MAC, f.From, f.To = mac(t, b), from, at(t, s)
		lab.Must(a.Inject("eth0", f.Frame()))
	}
	expect(t, s, "good", "good", "the end")
	after, err := b.UDPCounters()
	ok(t, err)
	same(t, "wrong checksums", after.InCsumErrors-before.InCsumErrors, 1)
}

// What the network doubles, swaps or loses is passed on as it comes.
func TestDoublesAndDisorderPassThrough(t *testing.T) {
	lab, a, b := neighbors(t)
	s := listenOn(t, b, "udp4", "10.77.0.2:0")
	s.Messages()
	order := []string{"1", "2", "2", "4", "3", "7", "6"}
	for _, text := range order {
		f := netlab.Forgery{MAC: mac(t, b), From: netip.MustParseAddrPort("10.77.0.1:53"), To: at(t, s), Payload: []byte(text)}
		lab.Must(a.Inject("eth0", f.Frame()))
	}
	expect(t, s, order...)
	received(t, s, uint64(len(order)))
}
