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

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// udpConn is what libraries look for behind a net.PacketConn: *net.UDPConn
// has all of it, and so has our view.
type udpConn interface {
	net.PacketConn
	net.Conn
	SyscallConn() (syscall.RawConn, error)
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
	ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
	WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error)
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	ReadFromUDP(b []byte) (int, *net.UDPAddr, error)
	WriteToUDP(b []byte, addr *net.UDPAddr) (int, error)
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
}

var _ udpConn = (*net.UDPConn)(nil)

// makers make two bound sockets, or a pair of connected ones.
var makers = map[string]struct {
	listen func(t testing.TB, f family) udpConn
	dial   func(t testing.TB, f family, to netip.AddrPort) udpConn
}{
	"net": {
		func(t testing.TB, f family) udpConn {
			leakless(t)
			c, err := net.ListenUDP(f.network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.loopback, 0)))
			ok(t, err)
			t.Cleanup(func() { c.Close() })
			return c
		},
		func(t testing.TB, f family, to netip.AddrPort) udpConn {
			leakless(t)
			c, err := net.DialUDP(f.network, nil, net.UDPAddrFromAddrPort(to))
			ok(t, err)
			t.Cleanup(func() { c.Close() })
			return c
		},
	},
	"dgram": {
		func(t testing.TB, f family) udpConn {
			return listen(t, f.network, f.local()).PacketConn()
		},
		func(t testing.TB, f family, to netip.AddrPort) udpConn {
			return dial(t, f.network, to).PacketConn()
		},
	},
}

// netHasErrnos skips the test where package net's errors are not those of package
// syscall: Windows has numbers of its own.
func netHasErrnos(t testing.TB, f family) {
	t.Helper()
	c := std(t, f)
	if _, err := c.WriteTo(make([]byte, 70000), c.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Skipf("%v is not syscall.EMSGSIZE", err)
	}
}

// TestPacketConn runs the same subtests against package net's socket and the
// view of ours.
func TestPacketConn(t *testing.T) {
	for name, m := range makers {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f family) {
				if name == "net" {
					netHasErrnos(t, f)
				}
				for _, part := range []map[string]func(*testing.T, udpConn, *net.UDPConn){conformance, messageConformance, deadlineConformance} {
					for what, test := range part {
						t.Run(what, func(t *testing.T) { test(t, m.listen(t, f), std(t, f)) })
					}
				}
				for what, test := range connectedConformance {
					t.Run("connected, "+what, func(t *testing.T) {
						if name == "dgram" {
							kernelConnects(t, f)
						}
						peer := std(t, f)
						test(t, m.dial(t, f, of(peer)), peer)
					})
				}
			})
		})
	}
}

// The view has what *net.UDPConn has not: batches and pion's names.
func TestViewHasAllThatLibrariesLookFor(t *testing.T) {
	f := families()[0]
	view := listen(t, f.network, f.local()).PacketConn()
	peer := std(t, f)
	n, err := view.WriteToAddrPort([]byte("x"), of(peer))
	ok(t, err)
	same(t, "written", n, 1)
	hear(t, peer, "x")
	tell(t, peer, of(view), "y", "zz", "")
	b := make([]byte, 4)
	n, from, err := view.ReadFromAddrPort(b)
	ok(t, err)
	same(t, "length", n, 1)
	same(t, "sender", from, of(peer))
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 4)}}, {Buffers: [][]byte{make([]byte, 4)}}, {Buffers: [][]byte{make([]byte, 4)}}}
	for got := 0; got < 2; {
		n, err := view.ReadBatch(ms[got:], 0)
		ok(t, err)
		got += n
	}
	same(t, "lengths", fmt.Sprint(ms[0].N, ms[1].N), "2 0")
	ok(t, view.SetReadDeadline(time.Unix(1, 0)))
	_, err = view.ReadBatch(ms, 0)
	expired(t, err)
	n, err = view.ReadBatch(nil, 0)
	same(t, "nothing", n, 0)
	_ = err
}

// The view is the socket: its properties, its end and its counts.
func TestViewIsTheSocket(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local(), udp.WithReceiveBlockList(netip.MustParsePrefix("127.0.0.3/32")), udp.WithMaxDatagram(4))
	view := s.PacketConn()
	same(t, "address", of(view), at(t, s))
	peer := std(t, f)
	var blocked uint64
	t.Run("a blocked sender", func(t *testing.T) {
		netlab.RequireAddress(t, netip.MustParseAddr("127.0.0.3"))
		bad := std(t, family{"udp4", netip.MustParseAddr("127.0.0.3")})
		tell(t, bad, at(t, s), "blocked", "blocked")
		blocked = 2
	})
	defer func() { same(t, "DroppedBlocked", s.Stats().DroppedBlocked, blocked) }()
	tell(t, peer, at(t, s), "0123456789", "ab")
	b := make([]byte, 64)
	n, _, err := view.ReadFrom(b)
	ok(t, err)
	same(t, "payload", string(b[:n]), "0123")
	n, _, err = view.ReadFrom(b)
	ok(t, err)
	same(t, "payload", string(b[:n]), "ab")
	_, err = view.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(of(peer)))
	ok(t, err)
	st := s.Stats()
	same(t, "Received", st.Received, 2)
	same(t, "ReceivedBytes", st.ReceivedBytes, 6)
	same(t, "Truncated", st.Truncated, 1)
	same(t, "Sent", st.Sent, 1)
	same(t, "SentBytes", st.SentBytes, 1)

	// What WithMaxDatagram cuts off is marked too.
	tell(t, peer, at(t, s), "0123456789", "0123456789")
	n, _, flags, _, err := view.ReadMsgUDP(b, nil)
	ok(t, err)
	same(t, "length", n, 4)
	same(t, "MSG_TRUNC", flags, host.MsgTrunc)
	ms := []ipv4.Message{{Buffers: [][]byte{b}}}
	_, err = view.ReadBatch(ms, 0)
	ok(t, err)
	same(t, "length and flags", fmt.Sprint(ms[0].N, ms[0].Flags), fmt.Sprint(4, host.MsgTrunc))
	same(t, "Truncated", s.Stats().Truncated, 3)

	if s.PacketConn() != view {
		t.Error("a second view is another")
	}
	ok(t, view.Close())
	ended(t, "done", s.Done())
	ok(t, s.Err())
	_, _, err = view.ReadFrom(b)
	fails(t, err, net.ErrClosed)
}

func TestViewOnConnectedSocketTakesNoDestination(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		view := dial(t, f.network, of(peer)).PacketConn()
		for _, to := range []*net.UDPAddr{net.UDPAddrFromAddrPort(of(peer)), {IP: net.IPv4(127, 0, 0, 1), Port: 9}, {}, nil} {
			_, err := view.WriteTo([]byte("x"), to)
			fails(t, err, udp.ErrAlreadyConnected, syscall.EISCONN)
		}
	})
}

// A failed implicit bind is what the view's methods say.
func TestViewOfASocketThatCannotBind(t *testing.T) {
	k := newSimKernel(t)
	k.failOpens(syscall.EMFILE)
	s, err := udp.NewOn(k, "udp4")
	mine(t, s, err)
	view := s.PacketConn()
	two := func(_ any, err error) error { return err }
	_, _, readErr := view.ReadFrom(make([]byte, 1))
	for what, err := range map[string]error{
		"ReadFrom":         readErr,
		"Read":             two(view.Read(nil)),
		"Write":            two(view.Write(nil)),
		"WriteTo":          two(view.WriteTo(nil, net.UDPAddrFromAddrPort(friend))),
		"SetDeadline":      view.SetDeadline(time.Time{}),
		"SetWriteDeadline": view.SetWriteDeadline(time.Time{}),
		"SyscallConn":      two(view.SyscallConn()),
		"SetReadBuffer":    view.SetReadBuffer(10000),
	} {
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: %v, want EMFILE", what, err)
		}
	}
	ok(t, view.Close())
	ended(t, "done", s.Done())
}
