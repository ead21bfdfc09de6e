package session_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"example.com/dgram/udp"
)

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
