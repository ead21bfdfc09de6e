package udptest_test

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// members are hosts of one segment with a socket on port 5353 each.
func members(t testing.TB, n *udptest.Network, network string, addrs ...string) (hosts []*udptest.Host, all []*udp.Socket) {
	t.Helper()
	for _, a := range addrs {
		h := n.Host(a)
		s, err := h.Listen(t.Context(), network, ":5353", udp.WithReuseAddr())
		ok(t, err)
		hosts, all = append(hosts, h), append(all, s)
	}
	return hosts, all
}

func TestGroupsReachTheirMembers(t *testing.T) {
	for _, tt := range []struct {
		network, group string
		addrs          []string
	}{
		{"udp4", "239.1.2.3", []string{"192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "198.51.100.1/24"}},
		{"udp6", "ff05::123", []string{"2001:db8::1/64", "2001:db8::2/64", "2001:db8::3/64", "2001:db8:1::1/64"}},
		{"udp6", "ff02::123", []string{"fe80::1/64", "fe80::2/64", "fe80::3/64", "fd00::1/64"}},
	} {
		t.Run(tt.network+" "+tt.group, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n := udptest.NewNetwork(t)
				hosts, all := members(t, n, tt.network, tt.addrs...)
				group := netip.MustParseAddr(tt.group)
				to := netip.AddrPortFrom(group, 5353)
				for _, i := range []int{0, 1, 3} { // the last one is on another segment
					_, err := multicast.Join(all[i], group, multicast.On("eth0"))
					ok(t, err)
				}
				n.Link(hosts[0], hosts[1], udptest.Latency(time.Second))
				send(t, all[0], to, "hello")
				start := time.Now()
				same(t, "sender", hear(t, all[0], "hello").To, group) // loopback is on
				if m := hear(t, all[1], "hello"); m.To != group || m.Interface == 0 || time.Since(start) != time.Second {
					t.Errorf("%+v after %v", m, time.Since(start))
				}
				silence(t, all[2], time.Minute)
				silence(t, all[3], time.Minute)

				ok(t, multicast.SetLoopback(all[0], false))
				ok(t, multicast.Leave(all[1], group, multicast.On("eth0")))
				send(t, all[0], to, "nobody")
				silence(t, all[0], time.Minute)
				silence(t, all[1], time.Minute)
				conserved(t, n)
			})
		})
	}
}

func TestSourcesOfAGroup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		_, all := members(t, n, "udp4", "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "192.0.2.4/24")
		group := netip.MustParseAddr("232.1.1.1")
		to := netip.AddrPortFrom(group, 5353)
		first := netip.MustParseAddr("192.0.2.1")
		_, err := multicast.Join(all[2], group, multicast.On("eth0"), multicast.From(first))
		ok(t, err)
		_, err = multicast.Join(all[3], group, multicast.On("eth0"))
		ok(t, err)
		ok(t, multicast.Block(all[3], group, first, multicast.On("eth0")))
		send(t, all[0], to, "from the first")
		send(t, all[1], to, "from the second")
		hear(t, all[2], "from the first")
		hear(t, all[3], "from the second")
		silence(t, all[2], time.Minute)
		silence(t, all[3], time.Minute)
		_, err = multicast.Join(all[3], group, multicast.On("eth0"))
		fails(t, err, syscall.EADDRINUSE)
	})
}

// OnAll, an interface by its address, and settings.
func TestGroupsOnSeveralInterfaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		router := n.Host("192.0.2.1/24", "fd00:1::1%eth1/64", "fd00:2::1%eth2/64")
		one, two := n.Host("fd00:1::2/64"), n.Host("fd00:2::2/64")
		group := netip.MustParseAddr("ff05::77")
		r, err := router.Listen(t.Context(), "udp6", ":7")
		ok(t, err)
		m, err := multicast.Join(r, group, multicast.OnAll())
		ok(t, err)
		same(t, "interfaces", len(m.Interfaces()), 3)
		for i, h := range []*udptest.Host{one, two} {
			s := listen(t, h)
			send(t, s, netip.AddrPortFrom(group, 7), "hello")
			got := hear(t, r, "hello")
			same(t, "interface", got.Interface, i+3)
			ok(t, r.Reply(t.Context(), got, []byte("hi")))
			hear(t, s, "hi")
		}
		s, err := two.Listen(t.Context(), "udp6", ":8")
		ok(t, err)
		_, err = multicast.Join(s, group)
		ok(t, err)
		ok(t, multicast.SetInterface(r, "fd00:2::1"))
		send(t, r, netip.AddrPortFrom(group, 8), "out of eth2")
		same(t, "source", hear(t, s, "out of eth2").From.Addr(), netip.MustParseAddr("fd00:2::1"))
		ok(t, multicast.SendOn(t.Context(), r, "eth1", netip.AddrPortFrom(group, 8), []byte("elsewhere")))
		silence(t, s, time.Minute)
		ok(t, m.Leave())
	})
}

func TestBroadcastHasToBeAllowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		_, all := members(t, n, "udp4", "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "198.51.100.1/24")
		for _, to := range []string{"192.0.2.255:5353", "255.255.255.255:5353"} {
			ok(t, all[0].SetBroadcast(false))
			fails(t, all[0].SendTo(t.Context(), netip.MustParseAddrPort(to), nil), syscall.EACCES)
			ok(t, all[0].SetBroadcast(true))
			send(t, all[0], netip.MustParseAddrPort(to), "everybody")
			for _, s := range all[:3] {
				hear(t, s, "everybody")
			}
			silence(t, all[3], time.Minute)
		}
		all2 := conserved(t, n)
		same(t, "sent", all2.Sent, 2)
		same(t, "delivered", all2.Delivered, 6)
	})
}
