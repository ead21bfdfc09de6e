package multicast_test

import (
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

func TestEveryMemberHears(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	lab.Switch("switch",
		a.Port("eth0", "10.0.0.1/24", "fd00::1/64"),
		b.Port("eth0", "10.0.0.2/24", "fd00::2/64"),
		c.Port("eth0", "10.0.0.3/24", "fd00::3/64"))
	for _, g := range []netip.Addr{group, local6, site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		sender := open(t, a, network, ":0")
		first := open(t, b, network, ":0")
		port := to(t, g, first)
		second := open(t, c, network, netip.AddrPortFrom(wildcard(g), port.Port()).String())
		join(t, first, g, multicast.On("eth0"))
		m := join(t, second, g, multicast.On("eth0"))
		say(t, sender, "eth0", port, "all")
		for _, s := range []station{first, second} {
			got := hears(t, s, "all")
			if got.To != g || got.Interface == 0 {
				t.Errorf("to %v on %d, want %v on eth0", got.To, got.Interface, g)
			}
		}
		quit(t, second, m)
		say(t, sender, "eth0", port, "one")
		hears(t, first, "one")
		send(t, sender, to(t, unicast(g, 3), second), "end")
		hears(t, second, "end")
	}
}

func wildcard(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// unicast is the address of a host on the first network.
func unicast(like netip.Addr, host byte) netip.Addr {
	if like.Is4() {
		return netip.AddrFrom4([4]byte{10, 0, 0, host})
	}
	b := addr("fd00::").As16()
	b[15] = host
	return netip.AddrFrom16(b)
}

// Every way to name an interface names that one, and none other is heard.
func TestExactlyTheJoinedInterfaceHears(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 2)
	sender4, sender6 := open(t, a, "udp4", ":0"), open(t, a, "udp6", ":0", udp.WithIPv6Only())
	for _, c := range []struct {
		group netip.Addr
		on    string
	}{
		{group, "eth1"},
		{group, index(t, b, "eth1")},
		{group, "10.0.1.2"},
		{group, "::%eth1"},
		{group, "fe80::1%" + index(t, b, "eth1")},
		{site6, "eth1"},
		{site6, index(t, b, "eth1")},
		{site6, "fd00:1::2"},
		{site6, "::%eth1"},
		{local6, "eth1"},
		{local6.WithZone("eth1"), ""},
		{local6.WithZone(index(t, b, "eth1")), ""},
		{local6.WithZone("eth1"), "fd00:1::2"},
	} {
		t.Run(c.group.String()+" on "+c.on, func(t *testing.T) {
			network, sender := "udp6", sender6
			if c.group.Is4() {
				network, sender = "udp4", sender4
			}
			s := open(t, b, network, ":0")
			var opts []multicast.Option
			if c.on != "" {
				opts = append(opts, multicast.On(c.on))
			}
			m := join(t, s, c.group, opts...)
			if names := on(t, s, m); len(names) != 1 || names[0] != "eth1" {
				t.Errorf("joined on %v", names)
			}
			g := c.group.WithZone("")
			if !member(t, b, "eth1", g) || member(t, b, "eth0", g) {
				t.Error("the kernel has it elsewhere")
			}
			port := to(t, g, s)
			say(t, sender, "eth0", port, "no")
			say(t, sender, "eth1", port, "yes")
			hears(t, s, "yes")
			must(t, s.leave(t, c.group, opts...))
			if member(t, b, "eth1", g) {
				t.Error("the kernel still has it")
			}
			say(t, sender, "eth1", port, "late")
			send(t, sender, to(t, unicast(g, 2), s), "end")
			hears(t, s, "end")
		})
	}
}

// Node binds an unbound socket for this, and never receives.
func TestJoiningBindsAndReceives(t *testing.T) {
	_, a, b := pair(t, 1)
	for _, network := range []string{"udp4", "udp"} {
		s := unbound(t, b, network)
		join(t, s, group, multicast.On("eth0"))
		<-s.Listening()
		if network = s.Network(); network != "udp4" {
			t.Errorf("settled on %s", network)
		}
		say(t, open(t, a, "udp4", ":0"), "eth0", to(t, group, s), "hello")
		hears(t, s, "hello")
	}
}

func TestAJoinThatFailsBeforeTheKernelLeavesTheSocketUnbound(t *testing.T) {
	s := unbound(t, nil, "udp4")
	for _, err := range []error{
		second(s.enter(t, addr("10.0.0.1"))),
		second(s.enter(t, site6)),
		second(s.enter(t, group, multicast.On("nosuch0"))),
		second(s.enter(t, group, multicast.From(site6))),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
	if a := s.LocalAddr(); a.IsValid() {
		t.Errorf("bound to %v", a)
	}
}

func second[T any](_ T, err error) error { return err }

func TestADualStackSocketHearsGroupsOfBothFamilies(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	sender, s := open(t, a, "udp6", ":0"), open(t, b, "udp6", ":0")
	for _, g := range []netip.Addr{group, site6} {
		join(t, s, g, multicast.On("eth0"))
		say(t, sender, "eth0", to(t, g, s), "hello")
		if m := hears(t, s, "hello"); m.To != g {
			t.Errorf("to %v, want %v", m.To, g)
		}
	}
	s = open(t, b, "udp6", ":0", udp.WithIPv6Only())
	fails(t, second(s.enter(t, group)), udp.ErrAddressFamily)
}

// Upstream: internet/test-dgram-multicast-set-interface-lo.js binds its
// receivers to groups to tell them apart.
func TestASocketBoundToItsGroupHearsNothingElse(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	for _, c := range []struct {
		network       string
		group, second netip.Addr
	}{{"udp4", group, other}, {"udp6", site6, addr("ff05::9")}} {
		s := open(t, b, c.network, netip.AddrPortFrom(c.group, 0).String())
		port := to(t, c.group, s)
		join(t, s, c.group, multicast.On("eth0"))
		join(t, s, c.second, multicast.On("eth0"))
		sender := open(t, a, c.network, ":0")
		say(t, sender, "eth0", to(t, c.second, s), "another group")
		send(t, sender, to(t, unicast(c.group, 2), s), "unicast")
		say(t, sender, "eth0", port, "the group")
		hears(t, s, "the group")
	}
}

// Of two sockets on one port, each receives the groups that it joined, and not
// those of the other.
func TestGroupsDoNotLeakBetweenSockets(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	for _, g := range [][2]netip.Addr{{group, other}, {site6, addr("ff05::9")}} {
		network := "udp6"
		if g[0].Is4() {
			network = "udp4"
		}
		first := open(t, b, network, ":0", udp.WithReuseAddr())
		local := netip.AddrPortFrom(wildcard(g[0]), to(t, g[0], first).Port())
		other := open(t, b, network, local.String(), udp.WithReuseAddr())
		none := open(t, b, network, local.String(), udp.WithReuseAddr())
		join(t, first, g[0], multicast.On("eth0"))
		join(t, other, g[1], multicast.On("eth0"))
		sender := open(t, a, network, ":0")
		say(t, sender, "eth0", to(t, g[0], first), "first")
		say(t, sender, "eth0", to(t, g[1], first), "second")
		hears(t, first, "first")
		hears(t, other, "second")
		m := join(t, none, g[0], multicast.On("eth0"))
		say(t, sender, "eth0", to(t, g[0], first), "third")
		hears(t, first, "third")
		hears(t, none, "third")
		quit(t, none, m)
	}
}

func TestOneReaderOfManyJoins(t *testing.T) {
	_, a, b := pair(t, 1)
	s := open(t, b, "udp4", ":0", udp.WithReaders(3))
	join(t, s, group, multicast.On("eth0"))
	sender := open(t, a, "udp4", ":0")
	for _, text := range []string{"once", "and once more"} {
		say(t, sender, "eth0", to(t, group, s), text)
		hears(t, s, text)
	}
}
