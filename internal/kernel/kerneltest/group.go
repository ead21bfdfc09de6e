package kerneltest

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// joiner lets golang.org/x/net join groups on a Conn.
type joiner struct {
	*net.UDPConn // nil: its methods are never called
	conn         kernel.Conn
}

func (j joiner) SyscallConn() (syscall.RawConn, error) { return j.conn.SyscallConn(), nil }

func (s suite) TestASocketHearsTheGroupItIsBoundTo(t *testing.T) {
	for _, tt := range []struct{ network, group, other, host string }{
		{"udp4", "239.7.7.7", "239.7.7.8", "127.0.0.1"},
		{"udp6", "ff05::7:7", "ff05::7:8", "::1"},
	} {
		t.Run(tt.network, func(t *testing.T) {
			ifi := s.groupInterface(t)
			s.requireGroups(t, ifi)
			group, other := netip.MustParseAddr(tt.group), netip.MustParseAddr(tt.other)
			c := s.open(t, kernel.Config{Network: tt.network, Local: netip.AddrPortFrom(group, 0), PacketInfo: kernel.Try})
			port := Local(t, c).Port()
			if a := Local(t, c).Addr(); a != group {
				t.Errorf("bound to %v, want %v", a, group)
			}
			join(t, c, ifi, group)
			join(t, c, ifi, other)
			sender := s.open(t, kernel.Config{Network: tt.network})
			send(t, sender, tt.host, netip.AddrPortFrom(netip.MustParseAddr(tt.host), port))
			for _, to := range []string{tt.other, tt.group} {
				d := kernel.Datagram{Data: []byte(to), To: netip.AddrPortFrom(netip.MustParseAddr(to), port), Interface: ifi.Index}
				Check(t, sender.Send(&d, nil))
			}
			p := want(t, c, tt.group)
			if p.To.IsValid() && (p.To != group || !p.NonUnicastDst) {
				t.Errorf("to %v, foreign %v", p.To, p.NonUnicastDst)
			}
			silent(t, c)
		})
	}
}

func (s suite) TestASocketHearsOnlyTheGroupsItJoined(t *testing.T) {
	for _, tt := range []struct{ network, group, wildcard string }{
		{"udp4", "239.7.7.9", "0.0.0.0:0"},
		{"udp6", "ff05::7:9", "[::]:0"},
		{"udp6", "239.7.7.9", "[::]:0"},
	} {
		t.Run(tt.network+" "+tt.group, func(t *testing.T) {
			ifi := s.groupInterface(t)
			s.requireGroups(t, ifi)
			group := netip.MustParseAddr(tt.group)
			network := "udp4"
			if group.Is6() {
				network = "udp6"
			}
			bystander := s.open(t, kernel.Config{Network: tt.network, Local: Addr(tt.wildcard), ReuseAddr: true})
			to := netip.AddrPortFrom(group, Local(t, bystander).Port())
			member := s.open(t, kernel.Config{Network: network, Local: to, ReuseAddr: true})
			join(t, member, ifi, group)
			sender := s.open(t, kernel.Config{Network: network})
			Check(t, sender.Send(&kernel.Datagram{Data: []byte("members"), To: to, Interface: ifi.Index}, nil))
			want(t, member, "members")
			silent(t, bystander)
		})
	}
}

// groupInterface returns an interface on which groups can be joined. Linux'
// loopback is not such an interface.
func (s suite) groupInterface(t *testing.T) net.Interface {
	t.Helper()
	if n, ok := s.system.(Network); ok {
		return n.GroupInterface()
	}
	if lo := loopbackInterface(t); lo.Flags&net.FlagMulticast != 0 {
		return lo
	}
	lab := netlab.New(t)
	home, neighbour := lab.Home(), lab.Host("neighbour")
	lab.Link(home.Port("groups0", "10.7.7.1/24", "fd07::1/64"), neighbour.Port("eth0", "10.7.7.2/24", "fd07::2/64"))
	i, err := net.InterfaceByName("groups0")
	Check(t, err)
	return *i
}

// requireGroups skips the test if package net receives no groups on the interface
// either: Wine ignores the interface of a datagram.
func (s suite) requireGroups(t *testing.T, ifi net.Interface) {
	t.Helper()
	if _, ok := s.system.(Network); !ok {
		netlab.RequireGroups(t, ifi)
	}
}

func join(t *testing.T, c kernel.Conn, ifi net.Interface, group netip.Addr) {
	t.Helper()
	g := &net.UDPAddr{IP: group.AsSlice()}
	var err error
	if own, ok := c.(kernel.GroupConn); ok {
		err = own.Groups().Join(kernel.Member{Group: group, Interface: ifi.Index})
	} else if group.Is4() {
		err = ipv4.NewPacketConn(joiner{conn: c}).JoinGroup(&ifi, g)
	} else {
		err = ipv6.NewPacketConn(joiner{conn: c}).JoinGroup(&ifi, g)
	}
	Check(t, err)
}
