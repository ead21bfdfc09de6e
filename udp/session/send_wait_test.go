package session_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// A send that waits for room ends with its session, however that ends, and does not
// send later.
func TestSendThatWaitsEndsWithTheSession(t *testing.T) {
	type place struct {
		t *testing.T
		s *udp.Socket
		m *session.Mux
		c *session.Session
	}
	drain := func(p place) {
		go p.c.Receive(p.t.Context()) // the session has one datagram
		if err := p.m.Drain(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
	ends := map[string]struct {
		end   func(place)
		cause error
	}{
		"Session.Close":           {func(p place) { p.c.Close() }, net.ErrClosed},
		"Conn.Close":              {func(p place) { p.c.Conn().Close() }, net.ErrClosed},
		"Mux.Close":               {func(p place) { p.m.Close() }, net.ErrClosed},
		"Socket.Close":            {func(p place) { p.s.Close() }, net.ErrClosed},
		"eviction":                {func(p place) { _, _ = p.m.Open(p.t.Context(), p.s.LocalAddr()) }, session.ErrEvicted},
		"idle":                    {func(p place) { time.Sleep(2 * time.Second) }, session.ErrIdle},
		"drained, Session.Close":  {func(p place) { drain(p); p.c.Close() }, net.ErrClosed},
		"drained, Mux.Close":      {func(p place) { drain(p); p.m.Close() }, net.ErrClosed},
		"drained, Socket.Close":   {func(p place) { drain(p); p.s.Close() }, net.ErrClosed},
		"Drain, then its session": {func(p place) { go p.m.Drain(p.t.Context()); p.c.Close() }, net.ErrClosed},
	}
	ways := map[string]func(ctx context.Context, c *session.Session, b []byte) error{
		"Send": func(ctx context.Context, c *session.Session, b []byte) error { return c.Send(ctx, b) },
		"Write": func(_ context.Context, c *session.Session, b []byte) error {
			_, err := c.Conn().Write(b)
			return err
		},
	}
	for how, e := range ends {
		for way, send := range ways {
			t.Run(how+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := udptest.NewNetwork(t)
					a, b := network.Host("192.0.2.1"), network.Host("198.51.100.1")
					network.LinkOneWay(a, b, udptest.Rate(10, 1<<20)) // bytes a second
					s := must(t)(a.Listen(context.Background(), "udp4", server, udp.WithWriteBuffer(4608)))
					defer s.Close()
					m := over(t, s, session.Max(1, session.EvictIdlest), session.Idle(time.Second))
					_, c := peer(t, m, b)
					const senders = 2 // one waits for room, one for its turn
					done := make(chan error, senders)
					for range senders {
						go func() {
							for {
								if err := send(t.Context(), c, make([]byte, 1000)); err != nil {
									done <- err
									return
								}
							}
						}()
					}
					synctest.Wait()
					sent := s.Stats().Sent
					e.end(place{t, s, m, c})
					synctest.Wait()
					if len(done) != senders {
						t.Fatalf("%d of %d sends have ended", len(done), senders)
					}
					for range senders {
						finds(t, <-done, net.ErrClosed, e.cause)
					}
					time.Sleep(time.Hour)
					if n := s.Stats().Sent; n != sent {
						t.Errorf("%d datagrams were sent after the end", n-sent)
					}
				})
			})
		}
	}
}

// The context and the deadline end a wait as before, and the session lives.
func TestSendThatWaitsHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := udptest.NewNetwork(t)
		a, b := network.Host("192.0.2.1"), network.Host("198.51.100.1")
		network.LinkOneWay(a, b, udptest.Rate(10, 1<<20))
		s := must(t)(a.Listen(context.Background(), "udp4", ":4000", udp.WithWriteBuffer(4608)))
		defer s.Close()
		m := over(t, s)
		_, c := peer(t, m, b)
		for range 2 {
			begin := time.Now()
			reason := errors.New("the reason")
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, reason)
			var err error
			for err == nil {
				err = c.Send(ctx, make([]byte, 1000))
			}
			cancel()
			if err != context.DeadlineExceeded || time.Since(begin) != time.Second {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		}
		if err := c.Conn().SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err := c.Conn().Write(make([]byte, 1000))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if c.Context().Err() != nil {
			t.Error("the session has ended")
		}
	})
}
