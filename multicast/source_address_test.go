package multicast_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// An interface that is named by one of its addresses is sent through from that
// address, by every way of sending.
func TestAnAddressNamesTheSourceToo(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	must(t, a.AddAddress("eth0", "10.0.0.9/24"), a.AddAddress("eth0", "fd00:0::9/64"))
	for from, g := range map[string]netip.Addr{"10.0.0.9": group, "fd00:0::9": site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		}
		sender, s := open(t, a, network, ":0"), open(t, b, network, ":0")
		join(t, s, g, multicast.On("eth0"))
		at := to(t, g, s)
		want := to(t, addr(from), sender)
		leaves := func(how, payload string) {
			t.Helper()
			if m := hears(t, s, payload); m.From != want {
				t.Errorf("%s leaves from %v, want %v", how, m.From, want)
			}
		}
		must(t, sender.do(t, func() error {
			return multicast.SendOn(t.Context(), sender.Socket, from, at, []byte("on"))
		}))
		leaves("SendOn", "on")
		must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, from) }))
		must(t, sender.SendTo(t.Context(), at, []byte("to")))
		leaves("SendTo", "to")
		_, err := sender.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("batch"), To: at}})
		must(t, err)
		leaves("SendBatch", "batch")
		sender.Outbox() <- udp.Datagram{Data: []byte("outbox"), To: at}
		leaves("the Outbox", "outbox")
		_, err = sender.PacketConn().WriteToUDPAddrPort([]byte("view"), at)
		must(t, err)
		leaves("the view", "view")
		must(t, sender.do(t, func() error { return multicast.SetInterface(sender.Socket, "eth0") }))
		must(t, sender.SendTo(t.Context(), at, []byte("name")))
		if m := hears(t, s, "name"); g.Is4() && m.From == want { // IPv6 may choose it
			t.Error("a name gives the choice of the source back, and it was not")
		}
	}
}

func TestJoinThatCouldHearNothingIsAnError(t *testing.T) {
	for address, g := range map[string]netip.Addr{"127.0.0.1:0": group, "[::1]:0": site6} {
		network := "udp6"
		if g.Is4() {
			network = "udp4"
		} else {
			netlab.RequireIPv6(t)
		}
		s := here(t, network, address)
		_, err := multicast.Join(s.Socket, g)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		fails(t, err, syscall.EINVAL)
		if !strings.Contains(err.Error(), "hears no group") {
			t.Errorf("the error does not say why: %v", err)
		}
	}
}

func TestASocketBoundToAGroupKnowsTheInterface(t *testing.T) {
	_, a, b := pair(t, 2)
	s := open(t, b, "udp4", netip.AddrPortFrom(group, 0).String())
	join(t, s, group, multicast.On("eth1"))
	say(t, open(t, a, "udp4", ":0"), "eth1", to(t, group, s), "hello")
	if m := hears(t, s, "hello"); m.To != group || index(t, b, "eth1") != fmt.Sprint(m.Interface) {
		t.Errorf("to %v, in on %d", m.To, m.Interface)
	}
}

func TestAMembershipBlocksAndPrintsItself(t *testing.T) {
	h, one, two := trio(t)
	s := open(t, h, "udp4", ":0")
	m := join(t, s, group, multicast.On("eth0"))
	var text string
	must(t, s.do(t, func() error { text = m.String(); return nil }))
	if text != "239.1.2.3 on eth0" {
		t.Errorf("%q", text)
	}
	block := func(a string) error { return s.do(t, func() error { return m.Block(addr(a)) }) }
	unblock := func(a string) error { return s.do(t, func() error { return m.Unblock(addr(a)) }) }
	must(t, block("10.0.0.2"))
	fails(t, block("10.0.0.2"), syscall.EADDRNOTAVAIL)
	fails(t, block("::1"), udp.ErrAddressFamily)
	say(t, open(t, one, "udp4", ":0"), "eth0", to(t, group, s), "blocked")
	say(t, open(t, two, "udp4", ":0"), "eth0", to(t, group, s), "heard")
	hears(t, s, "heard")
	must(t, unblock("10.0.0.2"))
	fails(t, unblock("10.0.0.2"), syscall.EADDRNOTAVAIL)
	say(t, open(t, one, "udp4", ":0"), "eth0", to(t, group, s), "again")
	hears(t, s, "again")
	quit(t, s, m)
	fails(t, block("10.0.0.2"), syscall.EADDRNOTAVAIL)
}
