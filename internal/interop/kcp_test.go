package interop

import (
	"hash/crc32"
	"io"
	"net"
	"testing"
	"time"

	"github.com/xtaci/kcp-go/v5"
)

func TestKCPMovesAMegabyteBothWays(t *testing.T) {
	eachPair(t, func(t *testing.T, server, client side) {
		serverConn, clientConn := server.listen(t, "udp4", "127.0.0.1:0"), client.listen(t, "udp4", "127.0.0.1:0")
		l := must[*kcp.Listener](t)(kcp.ServeConn(nil, 10, 3, serverConn))
		defer l.Close()
		if err := l.SetReadBuffer(1 << 20); err != nil {
			t.Error(err)
		}
		var s *kcp.UDPSession
		accepted := later(func() (err error) {
			s, err = l.AcceptKCP()
			return err
		})
		c := must[*kcp.UDPSession](t)(kcp.NewConn2(serverConn.LocalAddr(), nil, 10, 3, clientConn))
		defer c.Close()
		tune(t, c)
		const size = 1 << 20
		there, back := crc32.NewIEEE(), crc32.NewIEEE()
		sent := later(func() error { return stream(c, size) })
		fine(t, "accept", accepted)
		defer hangUp(l, serverConn, s)
		tune(t, s)
		received := later(func() error { _, err := io.CopyN(there, s, size); return err })
		fine(t, "send", sent)
		fine(t, "receive", received)
		sent = later(func() error { return stream(s, size) })
		fine(t, "receive back", later(func() error { _, err := io.CopyN(back, c, size); return err }))
		fine(t, "send back", sent)
		if there.Sum32() != back.Sum32() {
			t.Error("what arrived is not what was sent")
		}
	})
}

// hangUp ends a server whose only client may still be sending. The session is
// the last to go: without it, the listener begins a new one with what arrives.
func hangUp(l *kcp.Listener, conn io.Closer, s *kcp.UDPSession) {
	conn.Close()
	for {
		another, err := l.AcceptKCP()
		if err != nil {
			break // the listener reads no more
		}
		another.Close()
	}
	s.Close()
}

func tune(t testing.TB, s *kcp.UDPSession) {
	t.Helper()
	s.SetNoDelay(1, 10, 2, 1)
	s.SetWindowSize(512, 512)
	s.SetStreamMode(true)
	if err := s.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Error(err)
	}
}

// stream sends n bytes of the pattern.
func stream(c net.Conn, n int64) error {
	_, err := io.CopyN(c, &pattern{}, n)
	return err
}

func TestKCPListenerEndsWithTheSocket(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	l := must[*kcp.Listener](t)(kcp.ServeConn(nil, 0, 0, s.PacketConn()))
	ended := later(func() error {
		_, err := l.AcceptKCP()
		return err
	})
	s.Close()
	if err := take(t, "the listener's end", ended); err == nil {
		t.Error("accepted on a closed socket")
	}
	l.Close()
}
