package kerneltest

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// A Network is a system with a network of its own. For other systems the suite
// makes networks with package netlab.
type Network interface {
	kernel.System
	// GroupInterface returns an interface on which groups can be joined.
	GroupInterface() net.Interface
	// LinkLocal returns an address of the system's host, with the name of its
	// interface as the zone, and the index of the interface.
	LinkLocal() (a netip.Addr, index int)
	// Throttle connects the host's address from with the address to of a neighbour,
	// and returns the neighbour. After slow has been called, datagrams stay in the
	// send buffer until fast is called.
	Throttle() (neighbour kernel.System, from, to netip.Addr, slow, fast func())
}

// linkLocal returns an address of the system's host, with the name of its interface
// and with the index as the zone.
func (s suite) linkLocal(t *testing.T) (named, numbered netip.Addr) {
	t.Helper()
	if n, ok := s.system.(Network); ok {
		a, index := n.LinkLocal()
		return a, a.WithZone(strconv.Itoa(index))
	}
	lab := netlab.New(t)
	home, neighbour := lab.Home(), lab.Host("neighbour")
	lab.Link(home.Port("zone0", "10.7.8.1/24"), neighbour.Port("eth0", "10.7.8.2/24"))
	ip, err := home.LinkLocal("zone0")
	Check(t, err)
	return ip.WithZone("zone0"), ip
}

// neighbours returns two sockets on two hosts. After slow has been called,
// datagrams of the first stay in its send buffer until fast is called.
func (s suite) neighbours(t *testing.T) (c, peer kernel.Conn, slow, fast func()) {
	t.Helper()
	config := func(a netip.Addr) kernel.Config {
		return kernel.Config{Network: "udp4", Local: netip.AddrPortFrom(a, 0), WriteBuffer: 4608}
	}
	if n, ok := s.system.(Network); ok {
		neighbour, from, to, slow, fast := n.Throttle()
		return s.open(t, config(from)), suite{neighbour}.open(t, config(to)), slow, fast
	}
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	on := func(h *netlab.Host, ip string) kernel.Conn {
		c := netlab.On(h, func() (kernel.Conn, error) { return s.system.Open(config(netip.MustParseAddr(ip))) })
		t.Cleanup(func() { c.Close() })
		return c
	}
	c, peer = on(a, "10.0.0.1"), on(b, "10.0.0.2")
	slow = func() {
		lab.Must(a.Throttle("eth0", 1, 1600, 1<<20))
		one := strings.Repeat("1", 1000) // fits the burst, of which nothing is left then
		send(t, c, one, Local(t, peer))
		want(t, peer, one)
	}
	return c, peer, slow, func() { lab.Must(a.Unthrottle("eth0")) }
}
