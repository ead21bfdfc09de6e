package interop

import (
	"context"
	"hash/crc32"
	"io"
	"net"
	"testing"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/xtaci/kcp-go/v5"

	"example.com/dgram/udp/session"
)

// sessions makes a mux over a new socket.
func sessions(t testing.TB, opts ...session.Option) (*session.Mux, net.Addr) {
	t.Helper()
	s := listen(t, "udp4", "127.0.0.1:0")
	m := must[*session.Mux](t)(session.New(s, opts...))
	t.Cleanup(func() { m.Close() })
	return m, net.UDPAddrFromAddrPort(s.LocalAddr())
}

// A DTLS server over one socket, with package net's sockets and a session of
// another mux as its clients.
func TestDTLSListenerRunsOnSessions(t *testing.T) {
	secret := dtls.WithPSK(func([]byte) ([]byte, error) { return []byte{0x73, 0x65, 0x63}, nil })
	suites := dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)
	m, address := sessions(t)
	inner := m.Listener()
	l := must[net.Listener](t)(dtls.NewListenerWithOptions(dtlsnet.PacketListenerFromListener(inner), secret, suites))
	served := make(chan error, 3)
	accepting := later(func() error {
		for {
			c, err := l.Accept()
			if err != nil {
				return nil
			}
			go func() { served <- echoUntilEnd(c) }()
		}
	})

	opened, _ := sessions(t)
	conn := must[*session.Session](t)(opened.Open(t.Context(), address.(*net.UDPAddr).AddrPort())).Conn()
	clients := []net.PacketConn{theirs.listen(t, "udp4", "127.0.0.1:0"), ours.listen(t, "udp4", "127.0.0.1:0"), conn.(net.PacketConn)}
	for _, client := range clients {
		c := must[*dtls.Conn](t)(dtls.ClientWithOptions(client, address, secret, suites, dtls.WithPSKIdentityHint([]byte("nobody"))))
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		fine(t, "the handshake", later(func() error { return c.HandshakeContext(ctx) }))
		exchange(t, c, 100)
		fine(t, "close the client", later(c.Close))
		fine(t, "the echo's end", served)
	}
	fine(t, "close the listener", later(l.Close))
	fine(t, "the end of accepting", accepting)
	if s := m.Stats(); s.Accepted != 3 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// KCP clients of one socket, each with a session below it.
func TestKCPRunsOnSessions(t *testing.T) {
	m, address := sessions(t, session.Queue(1024, session.DropNewest))
	l := m.Listener()
	const clients, size = 3, 256 << 10
	served, done := make(chan error, clients), make(chan struct{})
	accepting := later(func() error {
		for range clients {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			go func() { served <- serveKCP(t, conn, size, done) }()
		}
		return nil
	})
	for range clients {
		c := must[*kcp.UDPSession](t)(kcp.NewConn2(address, nil, 10, 3, theirs.listen(t, "udp4", "127.0.0.1:0")))
		tune(t, c)
		sum := crc32.NewIEEE()
		sent := later(func() error { return stream(c, size) })
		fine(t, "receive", later(func() error { _, err := io.CopyN(sum, c, size); return err }))
		fine(t, "send", sent)
		want := crc32.NewIEEE()
		if _, err := io.CopyN(want, &pattern{}, size); err != nil {
			t.Fatal(err)
		}
		if sum.Sum32() != want.Sum32() {
			t.Error("what came back is not what was sent")
		}
		c.Close()
	}
	fine(t, "accept", accepting)
	close(done) // a session that ends earlier begins anew with what its peer sends again
	for range clients {
		fine(t, "the server", served)
	}
}

// serveKCP sends back size bytes of the one peer of conn, until done is
// closed.
func serveKCP(t testing.TB, conn net.Conn, size int64, done <-chan struct{}) error {
	defer conn.Close()
	l, err := kcp.ServeConn(nil, 10, 3, conn.(net.PacketConn))
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := l.AcceptKCP()
	if err != nil {
		return err
	}
	defer hangUp(l, conn, c)
	tune(t, c)
	_, err = io.CopyN(c, c, size)
	<-done
	return err
}
