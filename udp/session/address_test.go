package session_test

import (
	"net/netip"
	"slices"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

func TestPeerAtTwoAddressesHasTwoSessions(t *testing.T) {
	at := []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	netlab.RequireSource(t, at[0])
	s := listen(t, "0.0.0.0:0")
	m := over(t, s)
	peer := listen(t, "127.0.0.1:0")
	port := s.LocalAddr().Port()
	var all []*session.Session
	for _, a := range at {
		if err := peer.SendTo(t.Context(), netip.AddrPortFrom(a, port), []byte(a.String())); err != nil {
			t.Fatal(err)
		}
		c := take(t, m.Sessions())
		if c.Local() != a {
			t.Errorf("local address %v, want %v", c.Local(), a)
		}
		if err := c.Send(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if answer := take(t, peer.Messages()); answer.From != netip.AddrPortFrom(a, port) {
			t.Errorf("answered from %v, want %v", answer.From, a)
		}
		all = append(all, c)
	}
	for i, a := range at {
		if c, ok := m.Lookup(peer.LocalAddr(), a); !ok || c != all[i] {
			t.Errorf("at %v: %v", a, c)
		}
	}
	if _, ok := m.Lookup(peer.LocalAddr(), netip.Addr{}); !ok {
		t.Error("any address: none")
	}
	if _, ok := m.Lookup(peer.LocalAddr(), netip.MustParseAddr("127.0.0.4")); ok {
		t.Error("an address that was not asked")
	}
	all[0].Close()
	if c, ok := m.Lookup(peer.LocalAddr(), netip.Addr{}); !ok || c != all[1] {
		t.Errorf("after the other has ended: %v", c)
	}
	if left := slices.Collect(m.All()); len(left) != 1 || left[0] != all[1] {
		t.Errorf("%v are left", left)
	}
}

func TestDualStackSocketAnswersEachFamily(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp6", "[::]:0")
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	m := over(t, s)
	for _, at := range []string{"127.0.0.1", "127.0.0.9", "::1"} {
		t.Run(at, func(t *testing.T) {
			to := netip.MustParseAddr(at)
			if to.Is4() {
				netlab.RequireSource(t, to)
			}
			peer := dialTo(t, netip.AddrPortFrom(to, s.LocalAddr().Port()))
			peer.send("hello")
			c := take(t, m.Sessions())
			if from := peer.LocalAddr(); c.Local() != to || c.Peer() != from {
				t.Errorf("%v at %v", c, c.Local())
			}
			if err := c.Send(t.Context(), []byte("welcome")); err != nil {
				t.Fatal(err)
			}
			expect(t, peer.Messages(), "welcome") // connected: it hears nobody else
			mapped := netip.AddrPortFrom(netip.AddrFrom16(c.Peer().Addr().As16()), c.Peer().Port())
			if found, ok := m.Lookup(mapped, netip.AddrFrom16(to.As16())); !ok || found != c {
				t.Errorf("mapped: found %v", found)
			}
		})
	}
}
