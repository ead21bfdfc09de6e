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

func TestTakenStreamIsRefused(t *testing.T) {
	for name, read := range map[string]func(*testing.T, *udp.Socket){
		"Messages": func(_ *testing.T, s *udp.Socket) { s.Messages() },
		"view": func(t *testing.T, s *udp.Socket) {
			view := s.PacketConn()
			if err := view.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			view.ReadFrom(make([]byte, 1))
		},
		"mux":              func(t *testing.T, s *udp.Socket) { over(t, s) },
		"mux that is over": func(t *testing.T, s *udp.Socket) { over(t, s).Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0")
			read(t, s)
			m, err := session.New(s)
			if m != nil {
				m.Close()
			}
			finds(t, err, udp.ErrReading)
		})
	}
}

func TestMuxTakesTheStream(t *testing.T) {
	m, s := mux(t)
	for range 2 {
		ends(t, s.Messages())
		for _, err := range s.All(t.Context()) {
			finds(t, err, udp.ErrReading)
		}
		m.Close() // it stays taken
	}
}

func TestUnboundSocketIsReadOnceItIsBound(t *testing.T) {
	s, err := udp.New("udp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := over(t, s)
	peer := listen(t, "127.0.0.1:0")
	c, err := m.Open(t.Context(), peer.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), []byte("hello")); err != nil { // binds
		t.Fatal(err)
	}
	q := expect(t, peer.Messages(), "hello")
	if err := peer.Reply(t.Context(), q, []byte("welcome")); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Messages(), "welcome")
}

func TestSocketWithSeveralReaders(t *testing.T) {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithReaders(2))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := over(t, s)
	for range 8 {
		peer := dial(t, s)
		peer.send("hello")
		c := take(t, m.Sessions())
		expect(t, c.Messages(), "hello")
		if err := c.Send(t.Context(), []byte("welcome")); err != nil {
			t.Fatal(err)
		}
		expect(t, peer.Messages(), "welcome")
	}
	s.Close()
	ends(t, m.Sessions())
	conserved(t, m, 8)
}

func TestSocketWithSeveralReadersIsDrained(t *testing.T) {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithReaders(2))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := over(t, s)
	peer := dial(t, s)
	peer.send("hello")
	c := take(t, m.Sessions())
	drained := make(chan error, 1)
	go func() { drained <- m.Drain(context.Background()) }()
	expect(t, c.Messages(), "hello")
	finds(t, take(t, drained), nil)
	finds(t, cause(t, c), udp.ErrDrained)
	if err := c.Send(t.Context(), []byte("goodbye")); err != nil {
		t.Error(err)
	}
}

func TestMuxTakesWhatAnEarlierReaderHasLeft(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	peer := dial(t, s)
	for _, text := range []string{"one", "two", "three"} {
		peer.send(text)
	}
	var ms [1]udp.Message
	if n, err := s.ReceiveBatch(t.Context(), ms[:]); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	asked := make(chan struct{})
	m := over(t, s, session.Admit(func(udp.Message) bool { <-asked; return true })) // New does not wait for it
	close(asked)
	c := take(t, m.Sessions())
	expect(t, c.Messages(), "two")
	expect(t, c.Messages(), "three")
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

func TestOneOfTwoMuxesHasTheStream(t *testing.T) {
	for range 50 {
		s := listen(t, "127.0.0.1:0")
		made := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := session.New(s)
				made <- err
			}()
		}
		a, b := take(t, made), take(t, made)
		if (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), udp.ErrReading) {
			t.Fatalf("%v, %v", a, b)
		}
		s.Close()
	}
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

func TestCloseEndsEverySessionAndNotTheSocket(t *testing.T) {
	m, s := mux(t)
	peer, late := dial(t, s), dial(t, s)
	peer.send("hello")
	c := take(t, m.Sessions())
	waiting := make(chan error, 2)
	go func() {
		_, err := c.Receive(context.Background())
		for err == nil {
			_, err = c.Receive(context.Background())
		}
		waiting <- err
	}()
	go func() {
		_, err := m.Listener().Accept()
		waiting <- err
	}()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	finds(t, take(t, waiting), net.ErrClosed)
	finds(t, take(t, waiting), net.ErrClosed)
	ends(t, m.Sessions())
	finds(t, cause(t, c), net.ErrClosed)
	if err := s.SendTo(t.Context(), peer.addr(), []byte("from the socket")); err != nil {
		t.Fatal(err)
	}
	expect(t, peer.Messages(), "from the socket")
	late.send("too late")
	conserved(t, m, 2)
	if n := m.Stats().Refused; n != 1 {
		t.Errorf("%d refused", n)
	}
}

func TestEndOfTheSocketEndsEverySessionWithItsCause(t *testing.T) {
	reason := errors.New("the reason")
	for name, want := range map[string]error{"Close": net.ErrClosed, "context": reason} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			s := listen(t, "127.0.0.1:0", udp.WithContext(ctx))
			m := over(t, s)
			peer := dial(t, s)
			peer.send("hello")
			c := take(t, m.Sessions())
			if name == "Close" {
				s.Close()
			} else {
				cancel(reason)
			}
			finds(t, cause(t, c), want)
			ends(t, m.Sessions())
			ends(t, m.Errors())
			finds(t, c.Send(t.Context(), nil), net.ErrClosed, want)
			_, err := m.Listener().Accept()
			finds(t, err, net.ErrClosed, want)
			_, err = m.Open(t.Context(), peer.addr())
			finds(t, err, net.ErrClosed, want)
			if rest := ends(t, c.Messages()); len(rest) != 1 {
				t.Errorf("received %v", rest)
			}
			m.Close()
			finds(t, cause(t, c), want)
		})
	}
}

func TestEveryOrderOfTheEnds(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}} {
		m, s := mux(t)
		dial(t, s).send("hello")
		l := m.Listener()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			b := make([]byte, 9)
			_, err := conn.Read(b)
			for err == nil {
				_, err = conn.Read(b)
			}
			read <- err
		}()
		closers := []interface{ Close() error }{conn, l, m, s}
		for _, i := range order {
			if err := closers[i].Close(); err != nil {
				t.Errorf("order %v: %d: %v", order, i, err)
			}
		}
		finds(t, take(t, read), net.ErrClosed)
		for _, c := range closers {
			c.Close()
		}
	}
}
