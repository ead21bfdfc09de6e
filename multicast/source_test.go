package multicast_test

import (
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
)

// trio is a member and two senders on one switch; the addresses end in 1, 2
// and 3.
func trio(t *testing.T) (member, one, two *netlab.Host) {
	t.Helper()
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	member, one, two = lab.Host("member"), lab.Host("one"), lab.Host("two")
	lab.Switch("switch",
		member.Port("eth0", "10.0.0.1/24", "fd00::1/64"),
		one.Port("eth0", "10.0.0.2/24", "fd00::2/64"),
		two.Port("eth0", "10.0.0.3/24", "fd00::3/64"))
	return member, one, two
}

// Upstream: internet/test-dgram-multicast-ssm-multi-process.js and
// internet/test-dgram-multicast-ssmv6-multi-process.js.
func TestASourceSpecificMemberHearsItsSourcesOnly(t *testing.T) {
	h, one, two := trio(t)
	for _, g := range []netip.Addr{ssm, ssm6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		s := open(t, h, network, ":0")
		port := to(t, g, s)
		first := open(t, one, network, netip.AddrPortFrom(unicast(g, 2), 0).String())
		second := open(t, two, network, netip.AddrPortFrom(unicast(g, 3), 0).String())
		m := join(t, s, g, multicast.From(unicast(g, 2)), multicast.On("eth0"))
		if m.Source() != unicast(g, 2) || m.Group() != g {
			t.Errorf("joined %v from %v", m.Group(), m.Source())
		}
		say(t, second, "eth0", port, "second")
		say(t, first, "eth0", port, "first")
		hears(t, s, "first")

		_, err := s.enter(t, g, multicast.From(unicast(g, 2)), multicast.On("eth0"))
		fails(t, err, syscall.EADDRNOTAVAIL)
		join(t, s, g, multicast.From(unicast(g, 3)), multicast.On("eth0"))
		say(t, second, "eth0", port, "second")
		hears(t, s, "second")

		quit(t, s, m)
		say(t, first, "eth0", port, "first")
		say(t, second, "eth0", port, "second")
		hears(t, s, "second")
		must(t, s.leave(t, g, multicast.From(unicast(g, 3)), multicast.On("eth0")))
		fails(t, s.leave(t, g, multicast.From(unicast(g, 3)), multicast.On("eth0")), syscall.EADDRNOTAVAIL)
		say(t, second, "eth0", port, "second")
		send(t, second, to(t, unicast(g, 1), s), "end")
		hears(t, s, "end")
	}
}

func TestABlockedSourceIsNotHeard(t *testing.T) {
	h, one, two := trio(t)
	for _, g := range []netip.Addr{group, site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		s := open(t, h, network, ":0")
		port := to(t, g, s)
		first := open(t, one, network, netip.AddrPortFrom(unicast(g, 2), 0).String())
		second := open(t, two, network, netip.AddrPortFrom(unicast(g, 3), 0).String())
		block := func() error {
			return s.do(t, func() error { return multicast.Block(s.Socket, g, unicast(g, 2), multicast.On("eth0")) })
		}
		unblock := func() error {
			return s.do(t, func() error { return multicast.Unblock(s.Socket, g, unicast(g, 2), multicast.On("eth0")) })
		}
		fails(t, block(), syscall.EADDRNOTAVAIL) // not joined
		join(t, s, g, multicast.On("eth0"))
		fails(t, unblock(), syscall.EADDRNOTAVAIL)
		say(t, first, "eth0", port, "first")
		hears(t, s, "first")
		must(t, block())
		fails(t, block(), syscall.EADDRNOTAVAIL)
		say(t, first, "eth0", port, "first")
		say(t, second, "eth0", port, "second")
		hears(t, s, "second")
		must(t, unblock())
		say(t, first, "eth0", port, "first")
		hears(t, s, "first")
	}
}

// Linux would turn the membership for any source into one for the new source,
// and say nothing.
func TestAMembershipForAnySourceStaysOne(t *testing.T) {
	h, one, two := trio(t)
	s := open(t, h, "udp4", ":0")
	m := join(t, s, group, multicast.On("eth0"))
	_, err := s.enter(t, group, multicast.From(addr("10.0.0.2")), multicast.On("eth0"))
	fails(t, err, syscall.EINVAL)
	for _, other := range []*netlab.Host{one, two} {
		say(t, open(t, other, "udp4", ":0"), "eth0", to(t, group, s), "hello")
		hears(t, s, "hello")
	}
	quit(t, s, m)
	join(t, s, group, multicast.From(addr("10.0.0.2")), multicast.On("eth0"))
	_, err = s.enter(t, group, multicast.On("eth0"))
	fails(t, err, syscall.EADDRINUSE)
}

func TestSourcesOfTheSystemsChoice(t *testing.T) {
	_, a, b := pair(t, 2)
	must(t, b.AddDeviceRoute("224.0.0.0/4", "eth0"))
	s := open(t, b, "udp4", ":0")
	m := join(t, s, ssm, multicast.From(addr("10.0.0.1")))
	join(t, s, ssm, multicast.From(addr("10.0.0.9")))
	say(t, open(t, a, "udp4", ":0"), "eth0", to(t, ssm, s), "hello")
	hears(t, s, "hello")
	quit(t, s, m)
	must(t, s.leave(t, ssm, multicast.From(addr("10.0.0.9"))))
	if member(t, b, "eth0", ssm) {
		t.Error("the kernel still has it")
	}
	join(t, s, group)
	_, err := s.enter(t, group, multicast.From(addr("10.0.0.1")))
	fails(t, err, syscall.EINVAL) // Linux would turn one into the other
	must(t, s.leave(t, group))
}
