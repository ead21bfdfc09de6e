package multicast_test

import (
	"fmt"
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
)

// A socket that had a peer hears its groups again, and no others, when it has
// none any more, also where its network namespace is not the caller's.
func TestGroupsOutliveAPeer(t *testing.T) {
	netlab.RequireIPv6(t)
	_, a, b := pair(t, 1)
	for network, g := range map[string]netip.Addr{"udp4": group, "udp6": site6} {
		peer := "10.0.0.1:9"
		if network == "udp6" {
			peer = "[fd00:0::1]:9"
		}
		t.Run(network, func(t *testing.T) {
			s, sender := open(t, b, network, ":0"), open(t, a, network, ":0")
			m := join(t, s, g, multicast.On("eth0"))
			left := join(t, s, other, multicast.On("eth0"))
			must(t, s.do(t, left.Leave))
			if network == "udp4" {
				must(t, s.do(t, func() error { return multicast.SetInterface(s.Socket, "eth0") }))
			}
			for range 2 {
				must(t, s.do(t, func() error { return s.Connect(t.Context(), peer) }))
				must(t, s.Disconnect())
			}
			say(t, sender, "eth0", to(t, g, s), "still a member")
			hears(t, s, "still a member")
			if names := on(t, s, m); len(names) != 1 || names[0] != "eth0" {
				t.Errorf("on %v", names)
			}
			must(t, s.do(t, m.Leave))
			say(t, sender, "eth0", to(t, g, s), "to others")
			send(t, sender, netip.MustParseAddrPort(fmt.Sprintf("10.0.0.2:%d", s.LocalAddr().Port())), "to this host")
			hears(t, s, "to this host")
		})
	}
}
