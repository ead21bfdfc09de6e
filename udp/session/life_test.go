package session_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

func TestNewRefusesBadArguments(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	for name, option := range map[string]session.Option{
		"nil":            nil,
		"idle 0":         session.Idle(0),
		"idle negative":  session.Idle(-time.Second),
		"max 0":          session.Max(0, session.RefuseNew),
		"max policy":     session.Max(1, 7),
		"queue 0":        session.Queue(0, session.DropNewest),
		"queue too long": session.Queue(1<<17, session.DropNewest),
		"queue policy":   session.Queue(1, -1),
		"backlog 0":      session.Backlog(0),
		"backlog huge":   session.Backlog(1 << 30),
		"no admit":       session.Admit(nil),
	} {
		m, err := session.New(s, option)
		if m != nil || !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	m, err := session.New(nil)
	if m != nil || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("nil socket: %v", err)
	}
	over(t, s) // nothing of it has taken the stream
}

func TestLongestIdleTimeIsLong(t *testing.T) {
	m, s := mux(t, session.Idle(1<<63-1))
	peer := dial(t, s)
	peer.send("one")
	c := take(t, m.Sessions())
	expect(t, c.Messages(), "one")
	if err := c.Send(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	peer.send("two")
	expect(t, c.Messages(), "two")
}

func TestUnboundSocketIsDrainedAndClosed(t *testing.T) {
	for name, end := range map[string]func(*session.Mux, *udp.Socket) error{
		"Mux.Drain":    func(m *session.Mux, _ *udp.Socket) error { return m.Drain(t.Context()) },
		"Socket.Drain": func(_ *session.Mux, s *udp.Socket) error { return s.Drain(t.Context()) },
		"Socket.Close": func(_ *session.Mux, s *udp.Socket) error { return s.Close() },
		"Mux.Close":    func(m *session.Mux, _ *udp.Socket) error { return m.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := udp.New("udp")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			m := over(t, s)
			if err := end(m, s); err != nil {
				t.Error(err)
			}
			ends(t, m.Sessions())
			s.Close()
			ends(t, m.Errors())
		})
	}
}

func TestClosedSocket(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	s.Close()
	m, err := session.New(s)
	if m != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, %v", m, err)
	}
}

func TestOpenRefusesBadPeers(t *testing.T) {
	four, _ := mux(t)
	six := over(t, listen(t, "[::1]:0", udp.WithIPv6Only()))
	for _, bad := range []struct {
		m    *session.Mux
		peer netip.AddrPort
		want error
	}{
		{four, netip.AddrPort{}, udp.ErrAddressFamily},
		{four, netip.MustParseAddrPort("[::1]:1"), udp.ErrAddressFamily},
		{four, netip.MustParseAddrPort("127.0.0.1:0"), udp.ErrBadPort},
		{four, netip.MustParseAddrPort("0.0.0.0:5"), udp.ErrAddressFamily},
		{four, netip.MustParseAddrPort("[::ffff:0.0.0.0]:5"), udp.ErrAddressFamily},
		{six, netip.MustParseAddrPort("[::]:5"), udp.ErrAddressFamily},
		{six, netip.MustParseAddrPort("127.0.0.1:1"), udp.ErrAddressFamily},
		{six, netip.MustParseAddrPort("[::ffff:127.0.0.1]:1"), udp.ErrAddressFamily},
	} {
		c, err := bad.m.Open(t.Context(), bad.peer)
		if c != nil || !errors.Is(err, bad.want) {
			t.Errorf("%v: %v, %v", bad.peer, c, err)
		}
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	peer := netip.MustParseAddrPort("127.0.0.1:1")
	if _, err := four.Open(done, peer); err != context.Canceled {
		t.Errorf("done context: %v", err)
	}
	if _, err := four.Open(nil, peer); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("nil context: %v", err)
	}
	if four.Len() != 0 {
		t.Errorf("%d sessions", four.Len())
	}
	if c, err := four.Open(t.Context(), netip.MustParseAddrPort("[::ffff:127.0.0.1]:1")); err != nil || c.Peer() != peer {
		t.Errorf("mapped: %v, %v", c, err)
	}
	four.Close()
	_, err := four.Open(t.Context(), peer)
	finds(t, err, net.ErrClosed)
}

func TestMuxOverAConnectedSocketHasOnePeer(t *testing.T) {
	peer := listen(t, "127.0.0.1:0")
	s := dial(t, peer).Socket
	m := over(t, s)
	_, err := m.Open(t.Context(), netip.MustParseAddrPort("127.0.0.1:9"))
	finds(t, err, udp.ErrAlreadyConnected)
	c, err := m.Open(t.Context(), peer.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	q := expect(t, peer.Messages(), "hello")
	if err := peer.Reply(t.Context(), q, []byte("welcome")); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Messages(), "welcome")
}

// A session never sends to another peer than its own.
func TestSessionOfAnotherPeerCannotSendOnceTheSocketIsConnected(t *testing.T) {
	m, s := mux(t)
	peer, other := dial(t, s), listen(t, "127.0.0.1:0")
	peer.send("hello")
	c := take(t, m.Sessions())
	if err := s.Connect(t.Context(), other.LocalAddr().String()); err != nil {
		t.Fatal(err)
	}
	finds(t, c.Send(t.Context(), []byte("secret")), udp.ErrAlreadyConnected)
}

func TestSessionOfAnUnboundSocketPrintsItsPeer(t *testing.T) {
	s, err := udp.New("udp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := over(t, s)
	c, err := m.Open(t.Context(), netip.MustParseAddrPort("127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), "unbound->127.0.0.1:9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := c.Conn().LocalAddr().String(), ":0"; got != want {
		t.Errorf("local address %s, want %s", got, want)
	}
	c.Close()
	if got, want := c.Send(t.Context(), nil).Error(), "send udp4 127.0.0.1:9: use of closed network connection"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
