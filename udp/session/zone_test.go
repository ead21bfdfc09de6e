package session_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// A zone by number is an interface of the program's own. A socket of a simulated host
// does not know that interface: Open says so.
func TestZoneByNumberOfAnotherSystemIsAnError(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("west"), b.Port("east"))
	index, err := a.Index("west")
	lab.Must(err)
	s, err := udptest.NewNetwork(t).Host("fe80::1%eth7/64").Listen(context.Background(), "udp6", "[::]:5")
	lab.Must(err)
	defer s.Close()
	m := over(t, s)
	for _, zone := range []string{strconv.Itoa(index), "999999", "eth9"} {
		unknown := netip.MustParseAddrPort("[fe80::2%" + zone + "]:6")
		lab.Must(a.Do(func() error {
			c, err := m.Open(t.Context(), unknown)
			if c != nil || !errors.Is(err, syscall.ENODEV) {
				t.Errorf("zone %s: %v, %v", zone, c, err)
			}
			if c, ok := m.Lookup(unknown, netip.Addr{}); ok {
				t.Errorf("zone %s: found %v", zone, c)
			}
			return nil
		}))
	}
}

// A peer that was given by the number of an interface is known by its name.
func TestZoneByNumberIsTheInterfacesName(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("west"), b.Port("east"))
	here, err := a.LinkLocal("west")
	lab.Must(err)
	there, err := b.LinkLocal("east")
	lab.Must(err)
	index, err := a.Index("west")
	lab.Must(err)
	open := func(h *netlab.Host) *udp.Socket {
		s := netlab.On(h, func() (*udp.Socket, error) { return udp.Listen(context.Background(), "udp6", "[::]:0") })
		t.Cleanup(func() { s.Close() })
		return s
	}
	s, peer := open(a), open(b)
	if err := s.SendTo(t.Context(), netip.MustParseAddrPort("[fe80::1%west]:1"), nil); err != nil {
		t.Skip("the socket asks in the caller's namespace: ", err)
	}
	back := netip.AddrPortFrom(here.WithZone("east"), s.LocalAddr().Port())
	lab.Must(a.Do(func() error {
		opensByNumber(t, over(t, s), peer, index, "west", there.WithZone("").String(), back)
		return nil
	}))
}

// opensByNumber opens a session with a peer whose zone is a number.
func opensByNumber(t *testing.T, m *session.Mux, peer *udp.Socket, index int, name, addr string, back netip.AddrPort) {
	t.Helper()
	port := peer.LocalAddr().Port()
	byNumber := netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("%s%%%d", addr, index)), port)
	byName := netip.AddrPortFrom(netip.MustParseAddr(addr+"%"+name), port)
	c, err := m.Open(t.Context(), byNumber)
	if err != nil {
		t.Fatal(err)
	}
	if c.Peer() != byName {
		t.Errorf("the peer is %v, want %v", c.Peer(), byName)
	}
	if err := c.Send(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	expect(t, peer.Messages(), "hello")
	if err := peer.SendTo(t.Context(), back, []byte("welcome")); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Messages(), "welcome")
	if found, ok := m.Lookup(byNumber, netip.Addr{}); !ok || found != c {
		t.Errorf("found %v", found)
	}
	if _, err := c.Conn().(net.PacketConn).WriteTo(nil, net.UDPAddrFromAddrPort(byNumber)); err != nil {
		t.Error(err)
	}
}
