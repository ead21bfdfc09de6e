package udp_test

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-msgsize.js
func TestTooLongIsAnErrorWithTheDestination(t *testing.T) {
	everyWay(t, func(t *testing.T, s *udp.Socket, peer *net.UDPConn, send func(...[]byte) error) {
		limit := 65507
		if s.Network() == "udp6" {
			limit = 65527
		}
		for _, parts := range [][][]byte{
			{make([]byte, 256<<10)},
			{make([]byte, limit+1)},
			{make([]byte, limit), {0}},
			many(1025),
			make([][]byte, 1025),
		} {
			err := send(parts...)
			fails(t, err, syscall.EMSGSIZE)
			shaped(t, err, "send", fmt.Sprint(of(peer).Port()))
		}
		same(t, "Sent", s.Stats().Sent, 0)
		longest := big(limit)
		ok(t, send([]byte(longest)))
		ok(t, send([]byte("short")))
		hear(t, peer, longest, "short")
	})
}

func TestMappedDestinationIsIPv4(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), of(peer).Port())
	for _, network := range []string{"udp4", "udp", "udp6"} {
		t.Run(network, func(t *testing.T) {
			if network == "udp6" {
				needIPv6(t)
			}
			s := open(t, network)
			send(t, s, mapped, network)
			hear(t, peer, network)
			ok(t, s.SendToHost(t.Context(), mapped.String(), []byte(network)))
			hear(t, peer, network)
			n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte(network), To: mapped}})
			ok(t, err)
			same(t, "sent", n, 1)
			hear(t, peer, network)
			s.Outbox() <- udp.Datagram{Data: []byte(network), To: mapped}
			hear(t, peer, network)
			ok(t, s.Connect(t.Context(), mapped.String()))
			a := s.RemoteAddr()
			same(t, "peer", a, of(peer))
			own := f
			if s.Network() == "udp6" {
				own = families()[1]
			}
			kernelConnects(t, own) // else the address stays the wildcard
			same(t, "address", s.LocalAddr().Addr(), f.loopback)
		})
	}
}

// A destination that cannot be is the same error of every call. The socket is neither
// bound for it nor changed by it.
//
// Upstream: parallel/test-dgram-send-bad-arguments.js
// Upstream: parallel/test-dgram-blocklist.js
func TestABadDestinationIsAnErrorOfEveryCall(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		four, six := netip.MustParseAddrPort("127.0.0.2:9"), netip.MustParseAddrPort("[::2]:9")
		limit, blocked := 65507, four
		if f.network == "udp6" {
			limit, blocked = 65527, six
		}
		bad := []struct {
			to   netip.AddrPort
			size int
			want error
		}{
			{netip.AddrPortFrom(f.loopback, 0), 1, udp.ErrBadPort},
			{netip.AddrPort{}, 1, udp.ErrAddressFamily},
			{netip.AddrPort{}, 1, syscall.EDESTADDRREQ},
			{netip.AddrPortFrom(netip.Addr{}, 9), 1, udp.ErrAddressFamily},
			{blocked, 1, udp.ErrBlocked},
			{of(peer), limit + 1, syscall.EMSGSIZE},
		}
		if f.network == "udp4" {
			bad = append(bad, bad[0])
			bad[len(bad)-1].to, bad[len(bad)-1].want = six, udp.ErrAddressFamily
		} else {
			bad = append(bad, bad[0])
			bad[len(bad)-1].to, bad[len(bad)-1].want = netip.MustParseAddrPort("[fe80::1%nowhere0]:9"), syscall.ENODEV
		}
		for name, send := range sendingTo {
			for _, c := range bad {
				if name == "SendToHost" && !c.to.IsValid() {
					continue
				}
				s := open(t, f.network, udp.WithSendBlockList(netip.PrefixFrom(blocked.Addr(), blocked.Addr().BitLen())))
				err := send(t.Context(), s, c.to, make([]byte, c.size))
				fails(t, err, c.want)
				shaped(t, err, "send", "")
				if name != "Outbox" {
					unbound(t, s)
					same(t, "network", s.Network(), f.network)
				}
				same(t, "Sent", s.Stats().Sent, 0)
				same(t, "queue", s.SendQueueCount(), 0)
				ok(t, send(t.Context(), s, of(peer), []byte(name)))
				hear(t, peer, name)
			}
		}
	})
}

// Connect heeds the block list too, by address and by name.
//
// Upstream: parallel/test-dgram-connect-sync.js
func TestABlockedPeerIsNotConnectedTo(t *testing.T) {
	f := families()[0]
	s := open(t, f.network, udp.WithSendBlockList(netip.MustParsePrefix("127.0.0.2/32")),
		udp.WithLookup(looked("peer", netip.MustParseAddr("127.0.0.2")).lookup))
	for _, address := range []string{"127.0.0.2:9", "peer:9"} {
		err := s.Connect(t.Context(), address)
		fails(t, err, udp.ErrBlocked)
		shaped(t, err, "connect", address)
		unbound(t, s)
	}
	ok(t, s.Connect(t.Context(), of(std(t, f)).String()))
}

// A datagram leaves from the address that it says.
func TestDatagramLeavesFromTheAddressItNames(t *testing.T) {
	from := netip.MustParseAddr("127.0.0.5")
	netlab.RequireSource(t, from)
	f := families()[0]
	s := listen(t, f.network, ":0")
	peer := std(t, f)
	n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("x"), To: of(peer), From: from}, {Data: []byte("y"), To: of(peer)}})
	ok(t, err)
	same(t, "sent", n, 2)
	same(t, "sender", hear(t, peer, "x"), netip.AddrPortFrom(from, at(t, s).Port()))
	same(t, "sender", hear(t, peer, "y"), netip.AddrPortFrom(f.loopback, at(t, s).Port()))
	s.Outbox() <- udp.Datagram{Data: []byte("z"), To: of(peer), From: from}
	ok(t, s.Flush(t.Context()))
	same(t, "sender", hear(t, peer, "z"), netip.AddrPortFrom(from, at(t, s).Port()))
}
