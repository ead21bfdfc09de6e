package interop

import (
	"context"
	"crypto/tls"
	"io"
	"testing"

	"golang.org/x/net/quic"
)

// golang.org/x/net/quic runs on the view, as server and as client.
func TestXNetQUICMovesAStream(t *testing.T) {
	eachPair(t, func(t *testing.T, server, client side) {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		serverTLS := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificates(t)}, NextProtos: []string{quicProtocol}}
		clientTLS := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{quicProtocol}}
		a := must[*quic.Endpoint](t)(quic.NewEndpoint(server.listen(t, "udp4", "127.0.0.1:0"), &quic.Config{TLSConfig: serverTLS}))
		b := must[*quic.Endpoint](t)(quic.NewEndpoint(client.listen(t, "udp4", "127.0.0.1:0"), nil))
		echoed := later(func() error {
			c, err := a.Accept(ctx)
			if err != nil {
				return err
			}
			s, err := c.AcceptStream(ctx)
			if err != nil {
				return err
			}
			if _, err := io.Copy(s, s); err != nil {
				return err
			}
			return s.Close()
		})
		c := must[*quic.Conn](t)(b.Dial(ctx, "udp", a.LocalAddr().String(), &quic.Config{TLSConfig: clientTLS}))
		s := must[*quic.Stream](t)(c.NewStream(ctx))
		const size = 1 << 18
		sent := later(func() error {
			if _, err := io.CopyN(s, &pattern{}, size); err != nil {
				return err
			}
			s.CloseWrite()
			return nil
		})
		if n, err := io.Copy(io.Discard, s); n != size || err != nil {
			t.Errorf("%d bytes came back, %v", n, err)
		}
		fine(t, "send", sent)
		fine(t, "echo", echoed)
		_ = b.Close(ctx)
		_ = a.Close(ctx)
	})
}
