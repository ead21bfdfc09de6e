package sockopt_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"example.com/dgram/multicast/internal/sockopt"
)

// The system's own options and those of golang.org/x/net do the same.
func TestBothImplementationsDoTheSame(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	for network, group := range map[string]string{"udp4": "239.7.7.7", "udp6": "ff05::7:7"} {
		for _, name := range []string{"own", "xnet"} {
			t.Run(network+" "+name, func(t *testing.T) {
				s, err := net.ListenUDP(network, nil)
				if err != nil {
					t.Skip(err)
				}
				defer s.Close()
				raw, err := s.SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				g := sockopt.Both(raw, network == "udp6", false)[name]
				m := sockopt.Member{Group: netip.MustParseAddr(group), Interface: lo.Index}
				if name == "xnet" && !xnetJoins(t, network, lo, m) {
					t.Skip("golang.org/x/net joins no groups here")
				}
				for _, step := range []struct {
					name string
					do   func() error
					want error
				}{
					{"join", func() error { return g.Join(m) }, nil},
					{"join again", func() error { return g.Join(m) }, syscall.EADDRINUSE},
					{"leave", func() error { return g.Leave(m) }, nil},
					{"leave again", func() error { return g.Leave(m) }, syscall.EADDRNOTAVAIL},
					{"hops", func() error { return g.SetHops(7) }, nil},
					{"loopback", func() error { return g.SetLoopback(false) }, nil},
					{"interface", func() error { return g.SetInterface(lo.Index) }, nil},
					{"no interface", func() error { return g.SetInterface(0) }, nil},
				} {
					err := step.do()
					if errors.Is(err, errors.ErrUnsupported) {
						t.Skip(step.name, ": ", err)
					}
					if !errors.Is(err, step.want) || step.want == nil && err != nil {
						t.Errorf("%s: %v, want %v", step.name, err, step.want)
					}
				}
				if hops, err := g.Hops(); hops != 7 || err != nil {
					t.Errorf("%d hops, %v, want 7", hops, err)
				}
				if on, err := g.Loopback(); on || err != nil {
					t.Errorf("loopback %v, %v, want false", on, err)
				}
			})
		}
	}
}

// xnetJoins reports whether what golang.org/x/net joins by is an option of the system.
// gVisor knows no MCAST_JOIN_GROUP: over IPv4 it fails, over IPv6 it does nothing.
func xnetJoins(t *testing.T, network string, on *net.Interface, m sockopt.Member) bool {
	t.Helper()
	s, err := net.ListenUDP(network, nil)
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	group := net.UDPAddrFromAddrPort(netip.AddrPortFrom(m.Group, 0))
	join := func() error { return ipv4.NewPacketConn(s).JoinGroup(on, group) }
	if m.Group.Is6() {
		join = func() error { return ipv6.NewPacketConn(s).JoinGroup(on, group) }
	}
	return join() == nil && join() != nil
}
