package interop

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/mdns/v2"
	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// pion/mdns reads control messages through golang.org/x/net, which insists on a
// *net.UDPConn: UDPConn gives it one.
func TestMDNSRunsOnUDPConn(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	serve := func(h *netlab.Host, opts ...mdns.ServerOption) *mdns.Conn {
		t.Helper()
		c := netlab.On(h, func() (*mdns.Conn, error) {
			eth0, err := net.InterfaceByName("eth0")
			if err != nil {
				return nil, err
			}
			s, err := udp.Listen(context.Background(), "udp4", "0.0.0.0:5353", udp.WithReuseAddr())
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { s.Close() })
			c, err := s.UDPConn()
			if err != nil {
				return nil, err
			}
			return mdns.NewServer(ipv4.NewPacketConn(c), nil, append(opts, mdns.WithInterfaces(*eth0))...)
		})
		t.Cleanup(func() { c.Close() })
		return c
	}
	serve(a, mdns.WithLocalNames("kitchen.local"), mdns.WithLocalAddress(net.IPv4(10, 0, 0, 1)))
	asker := serve(b)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	_, got, err := asker.QueryAddr(ctx, "kitchen.local")
	if err != nil {
		t.Fatal(err)
	}
	if want := netip.MustParseAddr("10.0.0.1"); got.Unmap() != want {
		t.Errorf("kitchen.local is %v, want %v", got, want)
	}
}
