package session_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

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
		"loop": func(t *testing.T, s *udp.Socket) {
			next, stop := iter.Pull2(s.All(t.Context()))
			t.Cleanup(stop)
			dial(t, s).send("hello")
			next()
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

// listenTwice listens with two readers, where the system has that.
func listenTwice(t *testing.T) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithReaders(2))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSocketWithSeveralReaders(t *testing.T) {
	s := listenTwice(t)
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
	s := listenTwice(t)
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

// A receiver that finds the stream closed finds the cause too, in every way in which a
// session ends.
func TestAClosedStreamHasItsCause(t *testing.T) {
	for name, end := range map[string]func(*session.Mux, *session.Session){
		"the session's Close": func(_ *session.Mux, c *session.Session) { c.Close() },
		"the mux's Close":     func(m *session.Mux, _ *session.Session) { m.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			for range 300 {
				m, s := mux(t)
				c, err := m.Open(t.Context(), dial(t, s).addr())
				if err != nil {
					t.Fatal(err)
				}
				ctx, cause := c.Context(), make(chan error, 1)
				messages, looks := c.Messages(), make(chan struct{})
				go func() {
					close(looks)
					for open := true; open; { // without waiting, to be there at once
						select {
						case _, open = <-messages:
						default:
						}
					}
					cause <- context.Cause(ctx)
				}()
				<-looks
				end(m, c)
				finds(t, <-cause, net.ErrClosed)
				m.Close()
				s.Close()
			}
		})
	}
}
