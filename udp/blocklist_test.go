package udp_test

import (
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-blocklist.js
func TestReceiveBlockList(t *testing.T) {
	everyReading(t, func(t *testing.T, f family, read func(testing.TB, *udp.Socket) reading) {
		if f.network != "udp4" {
			t.Skip("::1 is the only loopback address of IPv6")
		}
		for _, network := range []string{"udp4", "udp6"} {
			if network == "udp6" {
				needIPv6(t)
			}
			s := listen(t, network, ":0", udp.WithReceiveBlockList(netip.MustParsePrefix("127.0.0.2/32")))
			in := start(t, read(t, s))
			to := netip.AddrPortFrom(f.loopback, at(t, s).Port())
			good := std(t, f)
			netlab.RequireAddress(t, netip.MustParseAddr("127.0.0.2"))
			bad := std(t, family{"udp4", netip.MustParseAddr("127.0.0.2")})
			tell(t, bad, to, "1", "2", "3")
			tell(t, good, to, "good")
			tell(t, bad, to, "4")
			tell(t, good, to, "end")
			bad.Close()
			in.expect(t, "good", "end")
			same(t, "DroppedBlocked", s.Stats().DroppedBlocked, 4)
			in.stop()
			received(t, s, 2)
		}
	})
}

// A block list is asked without zones and without mapping.
type oracle struct{ asked chan netip.Addr }

func (o oracle) Contains(a netip.Addr) bool {
	o.asked <- a
	return false
}

func TestBlockListIsAskedForPlainAddresses(t *testing.T) {
	needIPv6(t)
	list := oracle{make(chan netip.Addr, 8)}
	s := listen(t, "udp6", ":0", udp.WithReceiveBlockList(list), udp.WithSendBlockList(list))
	send(t, s, netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), at(t, s).Port()), "x")
	next(t, s)
	for range 2 {
		a, _ := take(t, "question", list.asked)
		same(t, "asked", a, netip.MustParseAddr("127.0.0.1"))
	}
	s.SendTo(t.Context(), netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone("no-such"), 9))
	a, _ := take(t, "question", list.asked)
	same(t, "asked", a, netip.MustParseAddr("fe80::1"))
}
