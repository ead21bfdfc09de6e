package netlab_test

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

func TestMembershipsAreSeen(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0"))
	for _, g := range []netip.Addr{group, group6} {
		c := join(t, a, "eth0", g)
		seen, err := a.Memberships("eth0")
		if err != nil || !slices.Contains(seen, g) {
			t.Errorf("%v is not in %v, error %v", g, seen, err)
		}
		if seen, _ := a.Memberships("lo"); slices.Contains(seen, g) {
			t.Errorf("%v is in %v of lo", g, seen)
		}
		c.Close()
		if seen, _ := a.Memberships("eth0"); slices.Contains(seen, g) {
			t.Errorf("%v is still in %v", g, seen)
		}
	}
}

func TestSysctlsLimitMemberships(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), a.Port("eth1"))
	lab.Must(a.SetSysctl("net.ipv4.igmp_max_memberships", "1"))
	if v, err := a.Sysctl("net.ipv4.igmp_max_memberships"); v != "1" {
		t.Errorf("igmp_max_memberships is %q, error %v", v, err)
	}
	index, err := a.Index("eth0")
	lab.Must(err)
	c := ipv4.NewPacketConn(join(t, a, "eth0", group))
	err = c.JoinGroup(&net.Interface{Index: index}, &net.UDPAddr{IP: group.Next().AsSlice()})
	if errno := errnoOf(err); errno != unix.ENOBUFS {
		t.Errorf("error %v, want %v", err, unix.ENOBUFS)
	}
}
