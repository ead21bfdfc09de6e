package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

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
				for what, test := range conformance {
					t.Run(what, func(t *testing.T) { test(t, m.listen(t, f), std(t, f)) })
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

var conformance = map[string]func(t *testing.T, c udpConn, peer *net.UDPConn){
	"round trip": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "ping")
		b := make([]byte, 64)
		n, from, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "ping")
		same(t, "sender", from.String(), of(peer).String())
		same(t, "sender's network", from.Network(), "udp")
		n, err = c.WriteTo([]byte("pong"), from)
		ok(t, err)
		same(t, "written", n, 4)
		same(t, "sender", hear(t, peer, "pong"), of(c))
		same(t, "RemoteAddr", c.RemoteAddr(), nil)
		if _, udp := c.LocalAddr().(*net.UDPAddr); !udp {
			t.Errorf("LocalAddr is a %T", c.LocalAddr())
		}
	},
	"every way to read and write": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		b, oob := make([]byte, 64), make([]byte, 128)
		to := net.UDPAddrFromAddrPort(of(peer))
		check := func(what string, n int, from netip.AddrPort, err error) {
			t.Helper()
			ok(t, err)
			same(t, what, string(b[:n]), what)
			same(t, what+": sender", netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), of(peer))
		}
		wrote := func(what string, n int, err error) {
			t.Helper()
			ok(t, err)
			same(t, what, n, len(what))
			hear(t, peer, what)
		}
		tell(t, peer, of(c), "ReadFromUDP")
		n, from, err := c.ReadFromUDP(b)
		check("ReadFromUDP", n, from.AddrPort(), err)
		tell(t, peer, of(c), "ReadFromUDPAddrPort")
		n, at, err := c.ReadFromUDPAddrPort(b)
		check("ReadFromUDPAddrPort", n, at, err)
		tell(t, peer, of(c), "ReadMsgUDP")
		n, _, _, from, err = c.ReadMsgUDP(b, oob)
		check("ReadMsgUDP", n, from.AddrPort(), err)
		tell(t, peer, of(c), "ReadMsgUDPAddrPort")
		n, _, _, at, err = c.ReadMsgUDPAddrPort(b, nil)
		check("ReadMsgUDPAddrPort", n, at, err)
		tell(t, peer, of(c), "Read")
		n, err = c.Read(b)
		check("Read", n, of(peer), err)

		n, err = c.WriteToUDP([]byte("WriteToUDP"), to)
		wrote("WriteToUDP", n, err)
		n, err = c.WriteToUDPAddrPort([]byte("WriteToUDPAddrPort"), of(peer))
		wrote("WriteToUDPAddrPort", n, err)
		n, _, err = c.WriteMsgUDP([]byte("WriteMsgUDP"), nil, to)
		wrote("WriteMsgUDP", n, err)
		n, _, err = c.WriteMsgUDPAddrPort([]byte("WriteMsgUDPAddrPort"), nil, of(peer))
		wrote("WriteMsgUDPAddrPort", n, err)
	},
	"empty datagrams": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "", "a", "")
		b := make([]byte, 8)
		for _, want := range []string{"", "a", ""} {
			n, from, err := c.ReadFrom(b)
			ok(t, err)
			same(t, "payload", string(b[:n]), want)
			if from == nil {
				t.Error("no sender")
			}
		}
		n, err := c.WriteTo(nil, net.UDPAddrFromAddrPort(of(peer)))
		ok(t, err)
		same(t, "written", n, 0)
		hear(t, peer, "")
	},
	"short buffers cut off, and the rest is gone": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "0123456789", "abcdefghij", "ABCDEFGHIJ", "next", "last")
		b := make([]byte, 4)
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "0123")
		n, _, flags, _, err := c.ReadMsgUDP(b, nil)
		ok(t, err)
		same(t, "payload", string(b[:n]), "abcd")
		same(t, "MSG_TRUNC", flags&host.MsgTrunc != 0, true)
		n, _, err = c.ReadFrom(nil) // takes one, too
		ok(t, err)
		same(t, "length", n, 0)
		n, _, err = c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "next")
		n, _, flags, _, err = c.ReadMsgUDP(b, nil)
		ok(t, err)
		same(t, "payload", string(b[:n]), "last")
		same(t, "MSG_TRUNC", flags&host.MsgTrunc != 0, false)
	},
	"deadline in the past": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "here already")
		ok(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
		b := make([]byte, 16)
		for range 3 {
			_, _, err := c.ReadFrom(b)
			expired(t, err)
		}
		ok(t, c.SetReadDeadline(time.Time{}))
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "here already")
	},
	"deadline passes": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		ok(t, c.SetDeadline(time.Now().Add(5*time.Millisecond)))
		_, _, err := c.ReadFrom(make([]byte, 1))
		expired(t, err)
		shaped(t, err, "read", "")
		_, err = c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(of(peer)))
		expired(t, err)
		shaped(t, err, "write", of(peer).String())
		ok(t, c.SetDeadline(time.Time{}))
		_, err = c.WriteTo([]byte("y"), net.UDPAddrFromAddrPort(of(peer)))
		ok(t, err)
		hear(t, peer, "y")
	},
	"deadline wakes a read that waits": func(t *testing.T, c udpConn, _ *net.UDPConn) {
		for range 10 {
			started := make(chan struct{})
			read := later(func() error {
				close(started)
				_, _, err := c.ReadFrom(make([]byte, 1))
				return err
			})
			<-started
			ok(t, c.SetReadDeadline(time.Unix(1, 0)))
			err, _ := take(t, "ReadFrom", read)
			expired(t, err)
			ok(t, c.SetReadDeadline(time.Time{}))
		}
	},
	"deadline is moved": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		ok(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		read := make(chan int, 1)
		failed := later(func() error {
			n, _, err := c.ReadFrom(make([]byte, 16))
			read <- n
			return err
		})
		ok(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
		tell(t, peer, of(c), "in time")
		err, _ := take(t, "ReadFrom", failed)
		if isTimeout(err) {
			t.Skip("the machine was away for 20 ms")
		}
		ok(t, err)
		same(t, "length", <-read, 7)
	},
	"Close wakes a read that waits": func(t *testing.T, c udpConn, _ *net.UDPConn) {
		var reads []<-chan error
		for range 3 {
			reads = append(reads, later(func() error { _, _, err := c.ReadFrom(make([]byte, 1)); return err }))
		}
		ok(t, c.Close())
		for _, r := range reads {
			err, _ := take(t, "ReadFrom", r)
			fails(t, err, net.ErrClosed)
			var shape *net.OpError
			if !errors.As(err, &shape) || shape.Op != "read" {
				t.Errorf("%#v", err)
			}
		}
		_, _, err := c.ReadFrom(make([]byte, 1))
		fails(t, err, net.ErrClosed)
		_, err = c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
		fails(t, err, net.ErrClosed)
		for _, err := range []error{c.SetDeadline(time.Time{}), c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})} {
			fails(t, err, net.ErrClosed)
		}
	},
	"concurrent use": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		const n = 200
		echoing := begin(func() {
			concurrently(4, func(int) {
				b := make([]byte, 64)
				for {
					n, from, err := c.ReadFrom(b)
					if errors.Is(err, net.ErrClosed) {
						return
					}
					if isTimeout(err) {
						continue
					}
					if err == nil {
						_, err = c.WriteTo(b[:n], from)
					}
					if err != nil && !errors.Is(err, net.ErrClosed) && !isTimeout(err) {
						t.Error(err)
						return
					}
				}
			})
		})
		moving := begin(func() {
			for range n {
				c.SetDeadline(time.Now().Add(time.Hour))
				c.SetReadDeadline(time.Now().Add(time.Minute))
				c.LocalAddr()
			}
			c.SetDeadline(time.Time{})
		})
		for i := range n {
			tell(t, peer, of(c), fmt.Sprint(i))
			hear(t, peer, fmt.Sprint(i))
		}
		ended(t, "deadlines", moving)
		ok(t, c.Close())
		ended(t, "readers", echoing)
	},
	"bad destinations": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		for _, to := range []net.Addr{(*net.UDPAddr)(nil), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}} {
			_, err := c.WriteTo([]byte("x"), to)
			if err == nil {
				t.Errorf("wrote to %v", to)
				continue
			}
			shaped(t, err, "write", "")
		}
		_, err := c.WriteToUDPAddrPort([]byte("x"), netip.AddrPort{})
		if err == nil {
			t.Error("wrote to nobody")
		}
		_, err = c.Write([]byte("x"))
		if err == nil {
			t.Error("wrote without a peer")
		}
		shaped(t, err, "write", "")
		_, err = c.WriteTo(make([]byte, 70000), net.UDPAddrFromAddrPort(of(peer)))
		fails(t, err, syscall.EMSGSIZE)
	},
	"control messages": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		if of(c).Addr().Is6() {
			t.Skip("IPv4's control messages")
		}
		p := ipv4.NewPacketConn(c)
		if err := p.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
			t.Skip(err)
		}
		tell(t, peer, of(c), "x")
		oob := ipv4.NewControlMessage(ipv4.FlagDst | ipv4.FlagInterface)
		n, oobn, _, _, err := c.ReadMsgUDP(make([]byte, 8), oob)
		ok(t, err)
		same(t, "length", n, 1)
		var cm ipv4.ControlMessage
		ok(t, cm.Parse(oob[:oobn]))
		same(t, "destination", cm.Dst.String(), of(c).Addr().String())
	},
	"batches of golang.org/x/net": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		type batcher interface {
			ReadBatch(ms []ipv4.Message, flags int) (int, error)
			WriteBatch(ms []ipv4.Message, flags int) (int, error)
		}
		var p, theirs batcher = ipv4.NewPacketConn(c), ipv4.NewPacketConn(peer)
		if of(c).Addr().Is6() {
			p, theirs = ipv6.NewPacketConn(c), ipv6.NewPacketConn(peer)
		}
		if _, err := theirs.WriteBatch([]ipv4.Message{{Buffers: [][]byte{{}}, Addr: c.LocalAddr()}}, 0); err != nil {
			t.Skip("golang.org/x/net has no batches here:", err)
		}
		_, _, err := c.ReadFrom(nil)
		ok(t, err)
		ms := make([]ipv4.Message, 4)
		for i := range ms {
			ms[i].Buffers = [][]byte{fmt.Append(nil, i)}
			ms[i].Addr = net.UDPAddrFromAddrPort(of(peer))
		}
		for sent := 0; sent < len(ms); {
			n, err := p.WriteBatch(ms[sent:], 0)
			ok(t, err)
			sent += n
		}
		hear(t, peer, "0", "1", "2", "3")
		tell(t, peer, of(c), "a", "", "b")
		var got []string
		for len(got) < 3 {
			for i := range ms {
				ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 8)}}
			}
			n, err := p.ReadBatch(ms, 0)
			ok(t, err)
			for _, m := range ms[:n] {
				got = append(got, string(m.Buffers[0][:m.N]))
				same(t, "sender", m.Addr.String(), of(peer).String())
			}
		}
		same(t, "payloads", fmt.Sprintf("%q", got), `["a" "" "b"]`)
	},
	"an address without IP is this host": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		_, err := c.WriteTo([]byte("here"), &net.UDPAddr{Port: int(of(peer).Port())})
		ok(t, err)
		same(t, "sender", hear(t, peer, "here"), of(c))
	},
	"Read takes no datagram for no buffer": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		tell(t, peer, of(c), "still there")
		for _, none := range [][]byte{nil, {}} {
			n, err := c.Read(none)
			ok(t, err)
			same(t, "length", n, 0)
		}
		b := make([]byte, 64)
		n, err := c.Read(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "still there")
	},
	"buffer sizes": func(t *testing.T, c udpConn, _ *net.UDPConn) {
		ok(t, c.SetReadBuffer(50000))
		ok(t, c.SetWriteBuffer(50000))
		raw, err := c.SyscallConn()
		ok(t, err)
		ran := false
		ok(t, raw.Control(func(uintptr) { ran = true }))
		same(t, "control ran", ran, true)
	},
}

var connectedConformance = map[string]func(t *testing.T, c udpConn, peer *net.UDPConn){
	"Read and Write": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		n, err := c.Write([]byte("ping"))
		ok(t, err)
		same(t, "written", n, 4)
		same(t, "sender", hear(t, peer, "ping"), of(c))
		tell(t, peer, of(c), "pong")
		b := make([]byte, 16)
		n, err = c.Read(b)
		ok(t, err)
		same(t, "payload", string(b[:n]), "pong")
		same(t, "RemoteAddr", c.RemoteAddr().String(), of(peer).String())
		n, _, err = c.WriteMsgUDP([]byte("msg"), nil, nil)
		ok(t, err)
		same(t, "written", n, 3)
		hear(t, peer, "msg")
		n, err = c.Write(nil)
		ok(t, err)
		same(t, "written", n, 0)
		hear(t, peer, "")
	},
	"no destination": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		_, err := c.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(of(peer)))
		if err == nil {
			t.Error("WriteTo on a connected socket")
		}
		shaped(t, err, "write", "")
	},
	"refusals": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		peer.Close()
		ok(t, c.SetReadDeadline(time.Now().Add(soon)))
		_, err := c.Write([]byte("anybody?"))
		ok(t, err)
		_, err = c.Read(make([]byte, 1))
		fails(t, err, syscall.ECONNREFUSED)
		shaped(t, err, "read", "")
	},
}

func expired(t testing.TB, err error) {
	t.Helper()
	fails(t, err, os.ErrDeadlineExceeded)
	if !isTimeout(err) {
		t.Errorf("%v is no timeout", err)
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

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
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

// A write that waits for room ends with its deadline, set before or meanwhile, and with
// the socket.
func TestWriteDeadlineEndsAWriteThatWaits(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		ok(t, s.Connect(t.Context(), friend.String()))
		c.change(func() { c.space = 0 })
		view := s.PacketConn()
		write := func() error { _, err := view.Write([]byte("x")); return err }
		began := time.Now()
		ok(t, view.SetWriteDeadline(time.Now().Add(time.Second)))
		expired(t, write())
		same(t, "waited", time.Since(began), time.Second)
		for _, end := range []func(){
			func() { ok(t, view.SetWriteDeadline(time.Unix(1, 0))) },
			func() { ok(t, view.Close()) },
		} {
			ok(t, view.SetWriteDeadline(time.Time{}))
			written := later(write)
			synctest.Wait()
			same(t, "queue", s.SendQueueCount(), 1)
			end()
			err := <-written
			if !errors.Is(err, net.ErrClosed) {
				expired(t, err)
			}
		}
		fails(t, write(), net.ErrClosed)
	})
}

// A caller knows its buffers by their place, also where a datagram between them was not
// let in.
func TestReadBatchLeavesBuffersWhereTheyAre(t *testing.T) {
	list := netip.MustParsePrefix("127.0.0.99/32")
	netlab.RequireAddress(t, list.Addr())
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(list))
	v, good, bad := s.PacketConn(), listen(t, "udp4", "127.0.0.1:0"), listen(t, "udp4", "127.0.0.99:0")
	want := []string{"first", "second, in two buffers", "third"}
	for _, text := range []string{"", want[0], "", "", want[1], want[2]} {
		if text == "" {
			send(t, bad, at(t, s), "not let in")
		} else {
			send(t, good, at(t, s), text)
		}
	}
	ms := make([]ipv4.Message, 8)
	var first []*byte
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 8), make([]byte, 64)}
		first = append(first, &ms[i].Buffers[0][0])
	}
	for got := 0; got < len(want); { // elsewhere than on Linux one by one
		n, err := v.ReadBatch(ms[got:], 0)
		ok(t, err)
		for _, m := range ms[got:][:n] {
			same(t, "buffer", &m.Buffers[0][0], first[got])
			same(t, "sender", m.Addr.String(), at(t, good).String())
			same(t, "payload", string(slices.Concat(m.Buffers...)[:m.N]), want[got])
			got++
		}
	}
	same(t, "DroppedBlocked", s.Stats().DroppedBlocked, 3)
}

type elsewhere struct{}

func (elsewhere) Network() string { return "elsewhere" }
func (elsewhere) String() string  { return "nowhere" }

func TestBadDestinationsAreRefused(t *testing.T) {
	v := listen(t, "udp4", "127.0.0.1:0").PacketConn()
	loopback := net.IPv4(127, 0, 0, 1)
	for _, c := range []struct {
		to   net.Addr
		want error
	}{
		{nil, syscall.EINVAL},
		{elsewhere{}, syscall.EINVAL},
		{&net.TCPAddr{IP: loopback, Port: 9}, syscall.EINVAL},
		{(*net.UDPAddr)(nil), udp.ErrAddressFamily},
		{&net.UDPAddr{IP: loopback, Port: 0}, udp.ErrBadPort},
		{&net.UDPAddr{IP: loopback, Port: -1}, udp.ErrBadPort},
		{&net.UDPAddr{IP: loopback, Port: 65536 + 53}, udp.ErrBadPort},
		{&net.UDPAddr{IP: net.IP{1, 2, 3}, Port: 53}, udp.ErrAddressFamily},
		{&net.UDPAddr{IP: net.IPv6loopback, Port: 53}, udp.ErrAddressFamily},
	} {
		_, err := v.WriteTo([]byte("lost"), c.to)
		fails(t, err, c.want)
		shaped(t, err, "write", "")
	}
}

// A wrong call is the caller's to know: the socket lives on.
func TestAWrongReadDoesNotEndTheSocket(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	send(t, s, at(t, s), "alive")
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 64)}}}
	const nobodys = -1 << 31 // a flag that belongs to the kernel (Linux: MSG_CMSG_COMPAT)
	if _, err := s.PacketConn().ReadBatch(ms, nobodys); err == nil {
		t.Skip("the system does not mind")
	}
	n, err := s.PacketConn().ReadBatch(ms, 0)
	ok(t, err)
	same(t, "messages", n, 1)
	ok(t, s.Err())
}
