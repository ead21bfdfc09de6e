package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
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

// TestViewErrorsAreThoseOfNet compares errors field by field.
func TestViewErrorsAreThoseOfNet(t *testing.T) {
	type conns struct{ free, connected udpConn }
	for _, f := range families() {
		unknown := unknownPeer(t, f)
		peer := std(t, f)
		make4 := func(name string) conns { return conns{makers[name].listen(t, f), makers[name].dial(t, f, of(peer))} }
		theirs, ours := make4("net"), make4("dgram")
		past, b := time.Unix(1, 0), make([]byte, 1)
		closed := func(c udpConn) udpConn { c.Close(); return c }
		for name, act := range map[string]func(c conns) error{
			"1 deadline of ReadFrom":       func(c conns) error { c.free.SetReadDeadline(past); _, _, err := c.free.ReadFrom(b); return err },
			"1 deadline of Read connected": func(c conns) error { c.connected.SetReadDeadline(past); _, err := c.connected.Read(b); return err },
			"2 too long":                   func(c conns) error { _, err := c.free.WriteTo(make([]byte, 70000), peer.LocalAddr()); return err },
			"2 WriteTo connected":          func(c conns) error { _, err := c.connected.WriteTo(b, peer.LocalAddr()); return err },
			"2 WriteMsg connected":         func(c conns) error { _, _, err := c.connected.WriteMsgUDP(b, nil, of2(peer)); return err },
			"2 WriteTo another type": func(c conns) error {
				_, err := c.free.WriteTo(b, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
				return err
			},
			"3 close twice":            func(c conns) error { return closed(c.free).Close() },
			"3 close twice connected":  func(c conns) error { return closed(c.connected).Close() },
			"4 read closed":            func(c conns) error { _, _, err := closed(c.free).ReadFrom(b); return err },
			"4 write closed connected": func(c conns) error { _, err := closed(c.connected).Write(b); return err },
			"4 set closed":             func(c conns) error { return closed(c.free).SetDeadline(past) },
		} {
			t.Run(f.network+"/"+name[2:], func(t *testing.T) {
				if unknown != "" && strings.Contains(name, "connected") {
					t.Skip(unknown) // the local address stays the wildcard
				}
				if strings.Contains(name, "too long") {
					netHasErrnos(t, f)
				}
				theirs, ours := theirs, ours
				if name[0] > '2' {
					theirs, ours = make4("net"), make4("dgram")
				}
				want, got := shapeOf(t, act(theirs)), shapeOf(t, act(ours))
				same(t, "shape", got, want)
			})
		}
	}
}

func of2(c *net.UDPConn) *net.UDPAddr { return c.LocalAddr().(*net.UDPAddr) }

// shapeOf describes an error without the ports that differ.
func shapeOf(t *testing.T, err error) string {
	t.Helper()
	e, is := errors.AsType[*net.OpError](err)
	if !is {
		t.Fatalf("%T: %v", err, err)
	}
	addr := func(a net.Addr) string {
		if u, is := a.(*net.UDPAddr); is && u != nil {
			return u.IP.String()
		}
		return fmt.Sprintf("%T", a)
	}
	call := ""
	if s, is := e.Err.(*os.SyscallError); is {
		call = s.Syscall
	}
	return fmt.Sprintf("%s %s %s->%s call %q timeout %v closed %v connected %v too long %v", e.Op, e.Net, addr(e.Source), addr(e.Addr), call,
		e.Timeout(), errors.Is(err, net.ErrClosed), errors.Is(err, net.ErrWriteToConnected), errors.Is(err, syscall.EMSGSIZE))
}
