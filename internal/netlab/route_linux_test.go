package netlab_test

import (
	"errors"
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/sys/unix"
)

func TestRefusalsFailSends(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	ca, cb := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")

	for _, c := range []struct {
		prefix string
		how    netlab.Refusal
		want   error
	}{
		{"10.1.0.0/16", netlab.Unreachable, unix.EHOSTUNREACH},
		{"10.2.0.0/16", netlab.Prohibit, unix.EACCES},
		{"10.3.0.0/16", netlab.Blackhole, unix.EINVAL},
	} {
		lab.Must(a.AddRefusal(c.prefix, c.how))
		to := netip.AddrPortFrom(netip.MustParsePrefix(c.prefix).Addr().Next(), 9)
		if _, err := ca.WriteToUDPAddrPort(nil, to); !errors.Is(err, c.want) {
			t.Errorf("%v: error %v, want %v", c.how, err, c.want)
		}
		lab.Must(a.RemoveRoute(c.prefix))
		if _, err := ca.WriteToUDPAddrPort(nil, to); !errors.Is(err, unix.ENETUNREACH) {
			t.Errorf("without %v: error %v, want %v", c.how, err, unix.ENETUNREACH)
		}
	}
	send(t, ca, "the socket is well", local(cb))
	receive(t, cb, "the socket is well")
}

func TestRefusalsFailSendsOverIPv6(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a := lab.Host("a")
	lab.Link(a.Port("eth0", "fd00::1/64"), a.Port("eth1"))
	c := listen(t, a, "[fd00::1]:0")
	for how, want := range map[netlab.Refusal]error{
		netlab.Unreachable: unix.EHOSTUNREACH,
		netlab.Prohibit:    unix.EACCES,
		netlab.Blackhole:   unix.EINVAL,
	} {
		lab.Must(a.AddRefusal("fd01::/64", how))
		_, err := c.WriteToUDPAddrPort(nil, netip.MustParseAddrPort("[fd01::1]:9"))
		if !errors.Is(err, want) {
			t.Errorf("%v: error %v, want %v", how, err, want)
		}
		lab.Must(a.RemoveRoute("fd01::/64"))
	}
}

// routed returns two hosts with a router between them.
func routed(lab *netlab.Lab) (a, router, b *netlab.Host) {
	a, router, b = lab.Host("a"), lab.Host("router"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.1.2/24", "fd00:1::2/64"), router.Port("to-a", "10.0.1.1/24", "fd00:1::1/64"))
	lab.Link(b.Port("eth0", "10.0.2.2/24", "fd00:2::2/64"), router.Port("to-b", "10.0.2.1/24", "fd00:2::1/64"))
	lab.Must(
		router.Forward(),
		a.AddRoute("0.0.0.0/0", "10.0.1.1"),
		b.AddRoute("10.0.1.0/24", "10.0.2.1"),
	)
	return a, router, b
}

func TestGatewaysForward(t *testing.T) {
	lab := netlab.New(t)
	a, _, b := routed(lab)
	ca, cb := listen(t, a, "10.0.1.2:0"), listen(t, b, "10.0.2.2:0")
	send(t, ca, "far", local(cb))
	send(t, cb, "away", receive(t, cb, "far"))
	receive(t, ca, "away")
}

func TestGatewaysForwardIPv6(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, _, b := routed(lab)
	lab.Must(a.AddRoute("::/0", "fd00:1::1"), b.AddRoute("fd00:1::/64", "fd00:2::1"))
	ca, cb := listen(t, a, "[fd00:1::2]:0"), listen(t, b, "[fd00:2::2]:0")
	send(t, ca, "far", local(cb))
	send(t, cb, "away", receive(t, cb, "far"))
	receive(t, ca, "away")
}

func TestRoutersAnswerRefusals(t *testing.T) {
	lab := netlab.New(t)
	a, router, _ := routed(lab)
	lab.Must(router.AddRefusal("10.0.3.0/24", netlab.Unreachable))
	c := listen(t, a, "10.0.1.2:0")
	setOption(t, c, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	send(t, c, "far", netip.MustParseAddrPort("10.0.3.1:9"))
	if _, _, err := c.ReadFromUDPAddrPort(nil); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("error %v, want %v", err, unix.EHOSTUNREACH)
	}
}

func TestDatagramsForNeighborsThatAreNotThereVanish(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	mac, err := b.MAC("eth0")
	lab.Must(err,
		a.AddNeighbor("eth0", "10.0.0.2", mac),
		a.AddNeighbor("eth0", "10.0.0.9", []byte{2, 0, 0, 0, 0, 9}))
	ca, cb := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")
	send(t, ca, "lost", netip.AddrPortFrom(netip.MustParseAddr("10.0.0.9"), local(cb).Port()))
	send(t, ca, "found", local(cb))
	receive(t, cb, "found")
}
