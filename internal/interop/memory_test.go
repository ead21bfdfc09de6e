package interop

import (
	"context"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/quic-go/quic-go"

	"example.com/dgram/udp/udptest"
)

// inMemory are two views on hosts of a simulated network, with 200 ms between
// them and a tenth of what they send lost.
func inMemory(t *testing.T) (n *udptest.Network, server, client net.PacketConn) {
	n = udptest.NewNetwork(t, udptest.Seed(5))
	a, b := n.Host("192.0.2.1"), n.Host("192.0.2.2")
	n.Link(a, b, udptest.Latency(200*time.Millisecond), udptest.Loss(0.1), udptest.MTU(1500))
	view := func(h *udptest.Host) net.PacketConn {
		s, err := h.Listen(t.Context(), "udp4", netip.AddrPortFrom(h.Addr(), 0).String())
		if err != nil {
			t.Fatal(err)
		}
		return s.PacketConn()
	}
	return n, view(a), view(b)
}

// twice runs a test in two bubbles, with one seed for the network and for the
// cryptography, and expects them to take as long.
func twice(t *testing.T, run func(t *testing.T) *udptest.Network) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the libraries' goroutines take their turns in one order
	var took [2]time.Duration
	var sent [2]uint64
	for i := range took {
		synctest.Test(t, func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 1)
			start := time.Now()
			n := run(t)
			took[i] = time.Since(start)
			totals := n.Totals()
			sent[i] = totals.Sent
			if totals.Lost[udptest.Lost] == 0 {
				t.Error("nothing was lost")
			}
		})
	}
	t.Logf("%v in the bubble, %d datagrams", took, sent)
	if took[0] != took[1] || sent[0] != sent[1] {
		t.Errorf("two runs took %v and sent %d datagrams", took, sent)
	}
}

// wrapped hides that the view has a RawConn, which here is errors.ErrUnsupported:
// quic-go sets options on a descriptor where it finds one.
type wrapped struct{ net.PacketConn }

func TestQUICThroughALossyLinkInMemory(t *testing.T) {
	twice(t, func(t *testing.T) *udptest.Network {
		n, serverConn, clientConn := inMemory(t)
		p := connectQUIC(t, wrapped{serverConn}, wrapped{clientConn}, false)
		echoed := later(func() error {
			s, err := p.accepted.AcceptStream(context.Background())
			if err != nil {
				return err
			}
			if _, err := io.Copy(s, s); err != nil {
				return err
			}
			return s.Close()
		})
		stream := must[*quic.Stream](t)(p.dialed.OpenStream())
		const size = 100 << 10
		written := later(func() error {
			if _, err := io.CopyN(stream, &pattern{}, size); err != nil {
				return err
			}
			return stream.Close()
		})
		got, err := io.ReadAll(stream)
		if err != nil || len(got) != size {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
		want := make([]byte, size)
		if _, err := io.ReadFull(&pattern{}, want); err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Error("other bytes came back")
		}
		fine(t, "write", written)
		fine(t, "echo", echoed)
		p.close(t)
		return n
	})
}

func TestDTLSThroughALossyLinkInMemory(t *testing.T) {
	twice(t, func(t *testing.T) *udptest.Network {
		n, serverConn, clientConn := inMemory(t)
		secret := dtls.WithPSK(func([]byte) ([]byte, error) { return []byte{0x73, 0x65, 0x63}, nil })
		suites := dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)
		s := must[*dtls.Conn](t)(dtls.ServerWithOptions(serverConn, clientConn.LocalAddr(), secret, suites))
		c := must[*dtls.Conn](t)(dtls.ClientWithOptions(clientConn, serverConn.LocalAddr(), secret, suites, dtls.WithPSKIdentityHint([]byte("nobody"))))
		shaken := later(func() error { return s.HandshakeContext(t.Context()) })
		fine(t, "the client's handshake", later(func() error { return c.HandshakeContext(t.Context()) }))
		fine(t, "the server's handshake", shaken)
		echoed := later(func() error { return echoUntilEnd(s) })

		// Messages are lost as datagrams are: ask until the echo comes.
		b := make([]byte, 100)
		for i := range 50 {
			for tries := 0; ; tries++ {
				if _, err := c.Write([]byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
				if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
					t.Fatal(err)
				}
				size, err := c.Read(b)
				if err == nil && size == 1 && b[0] == byte(i) {
					break
				}
				if tries == 20 {
					t.Fatalf("message %d: no echo, %v", i, err)
				}
			}
		}
		fine(t, "close the client", later(c.Close))
		fine(t, "close the server", later(s.Close))
		<-echoed
		return n
	})
}
