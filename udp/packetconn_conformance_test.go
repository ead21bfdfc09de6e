package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/host"
)

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
