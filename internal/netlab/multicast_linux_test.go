package netlab_test

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

var (
	group  = netip.MustParseAddr("239.1.2.3")
	group6 = netip.MustParseAddr("ff02::1:2:3")
	far6   = netip.MustParseAddr("ff05::1:2:3")
)

// join opens a socket on a host that is a member of g on an interface.
func join(t *testing.T, h *netlab.Host, name string, g netip.Addr) *net.UDPConn {
	t.Helper()
	index, err := h.Index(name)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.UDPAddr{IP: g.AsSlice()}
	on := &net.Interface{Index: index}
	if g.Is4() {
		c := listen(t, h, "0.0.0.0:0")
		if err := ipv4.NewPacketConn(c).JoinGroup(on, to); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := listen(t, h, "[::]:0")
	if err := ipv6.NewPacketConn(c).JoinGroup(on, to); err != nil {
		t.Fatal(err)
	}
	return c
}

// at returns g with the port of c.
func at(g netip.Addr, c *net.UDPConn) netip.AddrPort {
	return netip.AddrPortFrom(g, local(c).Port())
}

func TestSwitchForwardsMulticastToAll(t *testing.T) {
	lab := netlab.New(t)
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	lab.Switch("switch",
		a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"), c.Port("eth0", "10.0.0.3/24"))
	lab.Must(a.AddDeviceRoute("224.0.0.0/4", "eth0"))
	ca := listen(t, a, "0.0.0.0:0")
	for _, h := range []*netlab.Host{b, c} {
		member := join(t, h, "eth0", group)
		send(t, ca, "to all", at(group, member))
		receive(t, member, "to all")
	}
}

func TestSwitchForwardsIPv6MulticastToAll(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	lab.Switch("switch", a.Port("eth0"), b.Port("eth0"), c.Port("eth0"))
	index, err := a.Index("eth0")
	lab.Must(err)
	ca := listen(t, a, "[::]:0")
	for _, h := range []*netlab.Host{b, c} {
		member := join(t, h, "eth0", group6)
		send(t, ca, "to all", at(group6.WithZone(strconv.Itoa(index)), member))
		if from := receive(t, member, "to all"); !from.Addr().IsLinkLocalUnicast() {
			t.Errorf("from %v, want a link-local address", from)
		}
	}
}

func TestDeviceRoutesChooseTheInterfaceOfMulticast(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	for i := range 3 {
		name := "eth" + strconv.Itoa(i)
		lab.Link(
			a.Port(name, fmt.Sprintf("10.0.%d.1/24", i), fmt.Sprintf("fd00:%d::1/64", i)),
			b.Port(name, fmt.Sprintf("10.0.%d.2/24", i), fmt.Sprintf("fd00:%d::2/64", i)))
	}
	for i := range 3 {
		name := "eth" + strconv.Itoa(i)
		lab.Must(a.AddDeviceRoute("224.0.0.0/4", name), a.AddDeviceRoute("ff00::/8", name))
		for g, from := range map[netip.Addr]netip.Addr{
			group: netip.AddrFrom4([4]byte{10, 0, byte(i), 1}),
			far6:  netip.MustParseAddr(fmt.Sprintf("fd00:%d::1", i)),
		} {
			sender, member := listen(t, a, "[::]:0"), join(t, b, name, g)
			send(t, sender, name, at(g, member))
			if got := receive(t, member, name).Addr(); got != from {
				t.Errorf("%v came from %v, want %v", g, got, from)
			}
		}
		lab.Must(a.RemoveRoute("224.0.0.0/4"), a.RemoveRoute("ff00::/8"))
	}
}

func TestMulticastRoutersCountHops(t *testing.T) {
	routersCountHops(t, "10.0.1.2", "224.0.0.0/4", group, func(c *net.UDPConn, hops int) error {
		return ipv4.NewPacketConn(c).SetMulticastTTL(hops)
	})
}

func TestMulticastRoutersCountHopsOfIPv6(t *testing.T) {
	netlab.RequireIPv6(t)
	routersCountHops(t, "fd00:1::2", "ff00::/8", far6, func(c *net.UDPConn, hops int) error {
		return ipv6.NewPacketConn(c).SetMulticastHopLimit(hops)
	})
}

func routersCountHops(t *testing.T, source, groups string, g netip.Addr, setHops func(*net.UDPConn, int) error) {
	t.Helper()
	lab := netlab.New(t)
	a, router, b := routed(lab)
	r, err := router.RouteMulticast("to-a", "to-b")
	lab.Must(err)
	lab.Must(r.Forward(source, g.String(), "to-a", "to-b"), a.AddDeviceRoute(groups, "eth0"))

	sender := listen(t, a, net.JoinHostPort(source, "0"))
	self := join(t, a, "eth0", g) // without a member, a datagram with 0 hops would leave the host
	near, far := join(t, router, "to-a", g), join(t, b, "eth0", g)
	for hops := range 4 {
		if err := setHops(sender, hops); err != nil {
			t.Fatal(err)
		}
		for _, member := range []*net.UDPConn{self, near, far} {
			send(t, sender, strconv.Itoa(hops), at(g, member))
		}
	}
	for hops := range 4 {
		receive(t, self, strconv.Itoa(hops))
	}
	for hops := 1; hops < 4; hops++ { // 0 stays on the host
		receive(t, near, strconv.Itoa(hops))
	}
	for hops := 2; hops < 4; hops++ { // 1 stays on the link
		receive(t, far, strconv.Itoa(hops))
	}
}
