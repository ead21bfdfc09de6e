package session_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

func TestDrainAnswersTheLastQuestions(t *testing.T) {
	for name, read := range map[string]func(*session.Session, func(udp.Message)) error{
		"Messages": func(c *session.Session, answer func(udp.Message)) error {
			for d := range c.Messages() {
				answer(d)
			}
			return udp.ErrDrained
		},
		"Receive": func(c *session.Session, answer func(udp.Message)) error {
			for {
				d, err := c.Receive(context.Background())
				if err != nil {
					return err
				}
				answer(d)
			}
		},
		"Conn": func(c *session.Session, answer func(udp.Message)) error {
			b := make([]byte, 100)
			for {
				n, err := c.Conn().Read(b)
				if err != nil {
					return err
				}
				answer(udp.Message{Data: b[:n]})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
				asker, c := peer(t, m, clients)
				for range 3 {
					asker.send("question")
				}
				idler, silent := peer(t, m, clients)
				if _, err := silent.Receive(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				drained := make(chan error, 1)
				go func() { drained <- m.Drain(context.Background()) }()
				synctest.Wait()
				ends(t, m.Sessions())
				asker.send("too late")
				idler.send("too late")
				_, err := m.Open(t.Context(), asker.LocalAddr())
				finds(t, err, net.ErrClosed, udp.ErrDrained)
				finds(t, read(c, func(udp.Message) {
					time.Sleep(time.Second) // the answer takes its time
					if err := c.Send(t.Context(), []byte("answer")); err != nil {
						t.Errorf("the answer: %v", err)
					}
				}), udp.ErrDrained)
				finds(t, <-drained, nil)
				finds(t, cause(t, c), udp.ErrDrained)
				finds(t, cause(t, silent), udp.ErrDrained)
				for range 4 {
					expect(t, asker.Messages(), "answer")
				}
				if err := c.Conn().SetDeadline(time.Now().Add(time.Second)); err != nil {
					t.Error(err)
				}
				if _, err := c.Conn().Write([]byte("goodbye")); err != nil {
					t.Errorf("the view: %v", err)
				}
				if err := m.Drain(t.Context()); err != nil {
					t.Errorf("second Drain: %v", err)
				}
				if s := m.Stats(); m.Len() != 0 || s.EndedClosed != 2 || s.Delivered != 5 {
					t.Errorf("%d sessions, %+v", m.Len(), s)
				}
				switch name {
				case "Messages":
					c.Close()
				case "Receive":
					m.Close()
				case "Conn":
					s.Close()
				}
				finds(t, c.Send(t.Context(), nil), net.ErrClosed)
				_, err = c.Conn().Write(nil)
				finds(t, err, net.ErrClosed)
			})
		})
	}
}

func TestDrainEndsInEveryState(t *testing.T) {
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Drain(done); err != context.Canceled {
			t.Errorf("done context: %v", err)
		}
		if err := m.Drain(nil); err == nil {
			t.Error("nil context")
		}
		_, c := peer(t, m, clients) // nothing has happened
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := m.Drain(brief); err != context.DeadlineExceeded { // its reader does not come
			t.Errorf("context over: %v", err)
		}
		if c.Context().Err() != nil {
			t.Error("a session whose stream was not taken has ended")
		}
		drained := make(chan error, 1)
		go func() { drained <- m.Drain(context.Background()) }()
		synctest.Wait()
		m.Close()
		finds(t, <-drained, net.ErrClosed)
		finds(t, cause(t, c), net.ErrClosed)
		finds(t, m.Drain(t.Context()), net.ErrClosed)
		expect(t, c.Messages(), "hello")
	})
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		_, c := peer(t, m, clients)
		drained := make(chan error, 1)
		go func() { drained <- m.Drain(context.Background()) }()
		synctest.Wait()
		s.Close()
		finds(t, <-drained, net.ErrClosed)
		finds(t, cause(t, c), net.ErrClosed)
	})
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		_, c := peer(t, m, clients)
		go s.Drain(t.Context()) // by the caller
		if _, err := c.Receive(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := c.Receive(t.Context())
		finds(t, err, udp.ErrDrained)
		finds(t, cause(t, c), udp.ErrDrained)
	})
}
