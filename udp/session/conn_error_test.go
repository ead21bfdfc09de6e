package session_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestConnErrorsHaveTheShapeOfNet(t *testing.T) {
	a, b, _ := pair(t)
	if err := a.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	_, readErr := a.Read(make([]byte, 1))
	_, writeErr := a.Write(nil)
	for op, err := range map[string]error{"read": readErr, "write": writeErr} {
		var shaped *net.OpError
		if !errors.As(err, &shaped) || shaped.Op != op || !shaped.Timeout() || shaped.Addr.String() != a.RemoteAddr().String() {
			t.Errorf("%s: %#v", op, err)
		}
		finds(t, err, os.ErrDeadlineExceeded)
	}
	if err := a.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Write(make([]byte, 1<<16))
	finds(t, err, syscall.EMSGSIZE)

	read := make(chan error, 1)
	go func() {
		_, err := b.Read(make([]byte, 1))
		read <- err
	}()
	b.Close()
	finds(t, take(t, read), net.ErrClosed)
	_, err = b.Write(nil)
	finds(t, err, net.ErrClosed)
	_, err = b.Read(nil)
	finds(t, err, net.ErrClosed)
	finds(t, b.SetDeadline(time.Time{}), net.ErrClosed)
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A read into no bytes takes nothing. It tells the end once nothing is left to take.
func TestEmptyReadTellsTheEnd(t *testing.T) {
	m, s := mux(t)
	peer := dial(t, s)
	peer.send("hello")
	c := take(t, m.Sessions())
	conn := c.Conn()
	if n, err := conn.Read(nil); n != 0 || err != nil {
		t.Errorf("a session that lives: %d, %v", n, err)
	}
	c.Close()
	if n, err := conn.Read(nil); n != 0 || err != nil {
		t.Errorf("a datagram is left: %d, %v", n, err)
	}
	if n, err := conn.Read(make([]byte, 9)); n != 5 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	_, err := conn.Read(nil)
	finds(t, err, net.ErrClosed)
	var shaped *net.OpError
	if !errors.As(err, &shaped) || shaped.Op != "read" {
		t.Errorf("%#v", err)
	}
}
