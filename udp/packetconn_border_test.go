package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// otherLoopback is another address of loopback. Systems other than Linux have one alone.
func otherLoopback(t *testing.T) netip.Addr {
	t.Helper()
	a := netip.MustParseAddr("127.0.0.2")
	netlab.RequireSource(t, a)
	return a
}

// answered is where a peer hears from when it asks the view at an address.
func answered(t *testing.T, v *udp.PacketConn, at netip.AddrPort) netip.AddrPort {
	t.Helper()
	peer := std(t, family{"udp4", netip.MustParseAddr("127.0.0.1")})
	tell(t, peer, at, "question")
	b := make([]byte, 16)
	n, from, err := v.ReadFrom(b)
	ok(t, err)
	_, err = v.WriteTo(b[:n], from)
	ok(t, err)
	return hear(t, peer, "question")
}

func TestViewAnswersFromTheAddressThatWasAsked(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			if network == "udp6" {
				needIPv6(t)
			}
			other := otherLoopback(t)
			s := listen(t, network, ":0", udp.WithPacketInfo(true)) // skips where the system does not tell
			v := s.PacketConn()
			for _, asked := range []string{"127.0.0.1", "127.0.0.2", other.String()} {
				at := netip.AddrPortFrom(netip.MustParseAddr(asked), s.LocalAddr().Port())
				same(t, "the answer's source", answered(t, v, at), at)
			}
		})
	}
}

// The last address that a peer asked counts, and a batch answers as well.
func TestViewRemembersTheLastAddressAsked(t *testing.T) {
	f := family{"udp4", netip.MustParseAddr("127.0.0.1")}
	other := otherLoopback(t)
	s := listen(t, "udp4", ":0", udp.WithPacketInfo(true))
	v := s.PacketConn()
	peer := std(t, f)
	port := s.LocalAddr().Port()
	for i, a := range []netip.Addr{other, f.loopback, other} {
		at := netip.AddrPortFrom(a, port)
		tell(t, peer, at, "q")
		_, from, err := v.ReadFromUDPAddrPort(make([]byte, 4))
		ok(t, err)
		if i%2 == 0 {
			_, err = v.WriteToUDPAddrPort([]byte("a"), from)
		} else {
			_, err = v.WriteBatch([]ipv4.Message{{Buffers: [][]byte{[]byte("a")}, Addr: net.UDPAddrFromAddrPort(from)}}, 0)
		}
		ok(t, err)
		same(t, "source", hear(t, peer, "a"), at)
	}
	stranger := std(t, f)
	_, err := v.WriteTo([]byte("first"), stranger.LocalAddr())
	ok(t, err)
	same(t, "source for a peer that never asked", hear(t, stranger, "first").Addr(), f.loopback)
}

func TestViewRemembersABoundedNumberOfPeers(t *testing.T) {
	s := listen(t, "udp4", ":0", udp.WithPacketInfo(true))
	v := s.PacketConn()
	at := reachable("udp4", s.LocalAddr())
	for range 5000 {
		c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
		ok(t, err)
		_, err = c.Write(nil)
		ok(t, err)
		c.Close()
		_, _, err = v.ReadFromUDPAddrPort(make([]byte, 1))
		ok(t, err)
	}
	if n := udp.AskedPeers(v); n == 0 || n > 4096 {
		t.Errorf("%d peers are remembered", n)
	}
}

// Nothing goes around a receive block list.
func TestRawAccessHeedsTheBlockList(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(netip.MustParsePrefix("192.0.2.0/24")))
	for name, access := range map[string]func() (syscall.RawConn, error){
		"the socket": s.SyscallConn,
		"the view":   s.PacketConn().SyscallConn,
	} {
		raw, err := access()
		ok(t, err)
		ran := false
		ok(t, raw.Control(func(uintptr) { ran = true }))
		same(t, "Control of "+name, ran, true)
		never := func(uintptr) bool { t.Error("raw access"); return true }
		fails(t, raw.Read(never), errors.ErrUnsupported)
		fails(t, raw.Write(never), errors.ErrUnsupported)
	}
	_, err := s.File()
	fails(t, err, errors.ErrUnsupported)
	_, err = s.PacketConn().File()
	fails(t, err, errors.ErrUnsupported)
	_, err = s.UDPConn()
	fails(t, err, errors.ErrUnsupported)
}

func TestUDPConnIsTheSameSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		c, err := s.UDPConn()
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		ok(t, err)
		same(t, "address", of(c), s.LocalAddr())
		peer := std(t, f)
		_, err = c.WriteTo([]byte("from the duplicate"), peer.LocalAddr())
		ok(t, err)
		same(t, "source", hear(t, peer, "from the duplicate"), s.LocalAddr())
		ok(t, s.Close())
		ok(t, c.SetDeadline(time.Now().Add(soon)))
		tell(t, peer, of(c), "after Close")
		b := make([]byte, 16)
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "after Close")
		ok(t, c.Close())
	})
}

func TestWriteBatchSendsInOrderUpToTheFirstThatFails(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		v, peer := listen(t, f.network, f.local()).PacketConn(), std(t, f)
		var ms []ipv4.Message
		var want []string
		for i := range 100 {
			text := fmt.Sprintf("%03d of two parts", i)
			want = append(want, text)
			ms = append(ms, ipv4.Message{Buffers: [][]byte{[]byte(text[:4]), []byte(text[4:])}, Addr: peer.LocalAddr()})
			if i%3 == 0 {
				ms[i].Buffers = [][]byte{[]byte(text)}
			}
		}
		n, err := v.WriteBatch(ms, 0)
		ok(t, err)
		same(t, "sent", n, len(ms))
		same(t, "N", ms[1].N, len(want[1]))
		hear(t, peer, want...)
		ms[2].Addr = nil
		n, err = v.WriteBatch(ms[:5], 0)
		ok(t, err)
		same(t, "sent before the bad one", n, 2)
		hear(t, peer, want[:2]...)
		n, err = v.WriteBatch(ms[2:5], 0)
		same(t, "sent", n, 0)
		fails(t, err, udp.ErrNotConnected)
		n, err = v.WriteBatch(ms[:1], 1)
		same(t, "sent with flags", n, 0)
		fails(t, err, errors.ErrUnsupported)
		n, err = v.WriteBatch(nil, 0)
		ok(t, err)
		same(t, "sent of none", n, 0)
		ok(t, v.SetWriteDeadline(time.Unix(1, 0)))
		_, err = v.WriteBatch(ms[:1], 0)
		expired(t, err)
	})
}
