package interop

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
)

func TestDTLSShakesHandsAndTalks(t *testing.T) {
	eachPair(t, func(t *testing.T, server, client side) {
		secret := dtls.WithPSK(func([]byte) ([]byte, error) { return []byte{0x73, 0x65, 0x63}, nil })
		suites := dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)
		serverConn, clientConn := server.listen(t, "udp4", "127.0.0.1:0"), client.listen(t, "udp4", "127.0.0.1:0")
		s := must[*dtls.Conn](t)(dtls.ServerWithOptions(serverConn, clientConn.LocalAddr(), secret, suites))
		c := must[*dtls.Conn](t)(dtls.ClientWithOptions(clientConn, serverConn.LocalAddr(), secret, suites, dtls.WithPSKIdentityHint([]byte("nobody"))))
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		shaken := later(func() error { return s.HandshakeContext(ctx) })
		fine(t, "the client's handshake", later(func() error { return c.HandshakeContext(ctx) }))
		fine(t, "the server's handshake", shaken)

		echoed := later(func() error { return echoUntilEnd(s) })
		exchange(t, c, 100)
		// A deadline that passes ends the read and nothing else.
		if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 9)); err == nil {
			t.Error("read after the deadline")
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		exchange(t, c, 1)
		fine(t, "close the client", later(c.Close))
		fine(t, "the echo's end", echoed)
		fine(t, "close the server", later(s.Close))
		closed(t, serverConn)
		closed(t, clientConn)
	})
}

// echoUntilEnd sends back what comes until the other side ends.
func echoUntilEnd(c net.Conn) error {
	b := make([]byte, 64<<10)
	for {
		n, err := c.Read(b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(b[:n]); err != nil {
			return err
		}
	}
}

// exchange sends n messages to an echo, one after the other.
func exchange(t testing.TB, c net.Conn, n int) {
	t.Helper()
	b := make([]byte, 2048)
	for i := range n {
		want := make([]byte, 1+i%1000)
		if _, err := (&pattern{at: uint64(i)}).Read(want); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(want); err != nil {
			t.Fatal(err)
		}
		got, err := c.Read(b)
		if err != nil || string(b[:got]) != string(want) {
			t.Fatalf("message %d: %d bytes, %v", i, got, err)
		}
	}
}
