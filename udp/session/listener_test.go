package session_test

import (
	"errors"
	"net"
	"testing"
)

func TestListenerAndSessionsShareOneQueue(t *testing.T) {
	m, s := mux(t)
	l := m.Listener()
	if l.Addr().String() != s.LocalAddr().String() {
		t.Errorf("address %v", l.Addr())
	}
	a, b := dial(t, s), dial(t, s)
	a.send("one")
	b.send("two")
	conserved(t, m, 2)
	conn, err := l.Accept()
	if err != nil || conn.RemoteAddr().String() != a.addr().String() {
		t.Fatal(conn, err)
	}
	if c := take(t, m.Sessions()); c.Peer() != b.addr() {
		t.Errorf("session of %v", c.Peer())
	}
}

func TestListenerClosesAlone(t *testing.T) {
	m, s := mux(t)
	l, other := m.Listener(), m.Listener()
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	finds(t, take(t, accepted), net.ErrClosed)
	dial(t, s).send("hello")
	conserved(t, m, 1)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted: %v", err)
	}
	if _, err := other.Accept(); err != nil {
		t.Error(err)
	}
}

func TestListenerLeavesOutSessionsThatHaveEnded(t *testing.T) {
	m, s := mux(t)
	a, b := dial(t, s), dial(t, s)
	a.send("one")
	b.send("two")
	conserved(t, m, 2)
	for c := range m.All() {
		if c.Peer() == a.addr() {
			c.Close()
		}
	}
	conn, err := m.Listener().Accept()
	if err != nil || conn.RemoteAddr().String() != b.addr().String() {
		t.Errorf("accepted %v, %v", conn, err)
	}
}
