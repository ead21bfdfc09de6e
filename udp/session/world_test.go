package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

// soon bounds what takes no time unless the package is at fault.
const soon = 20 * time.Second

// listen opens a socket that is closed with the test.
func listen(t testing.TB, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), "udp", address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// mux makes a mux over a new socket of loopback.
func mux(t testing.TB, opts ...session.Option) (*session.Mux, *udp.Socket) {
	t.Helper()
	s := listen(t, "127.0.0.1:0")
	return over(t, s, opts...), s
}

// over makes a mux that is closed with the test.
func over(t testing.TB, s *udp.Socket, opts ...session.Option) *session.Mux {
	t.Helper()
	m, err := session.New(s, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// client is a socket of the other side.
type client struct {
	*udp.Socket
	t testing.TB
}

// dial opens a client of s.
func dial(t testing.TB, s *udp.Socket) client {
	t.Helper()
	return dialTo(t, s.LocalAddr())
}

// dialTo opens a client on loopback: where dgram connects in place of the kernel, a
// client that is bound to no address has none.
func dialTo(t testing.TB, to netip.AddrPort) client {
	t.Helper()
	local := "[::1]:0"
	if to.Addr().Is4() {
		local = "127.0.0.1:0"
	}
	c := listen(t, local)
	if err := c.Connect(context.Background(), to.String()); err != nil {
		t.Fatal(err)
	}
	return client{c, t}
}

func (c client) addr() netip.AddrPort { return c.LocalAddr() }

func (c client) send(text string) {
	c.t.Helper()
	if err := c.Send(context.Background(), []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// expect takes the next datagram of a channel.
func expect(t testing.TB, messages <-chan udp.Message, want string) udp.Message {
	t.Helper()
	m := take(t, messages)
	if string(m.Data) != want {
		t.Fatalf("received %q, want %q", m.Data, want)
	}
	return m
}

// take takes from a channel, which must not be closed.
func take[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("channel of %T is closed", v)
		}
		return v
	case <-time.After(soon):
	}
	t.Fatal("nothing arrives")
	panic("unreachable")
}

// ends waits for a channel to be closed and returns what it still held.
func ends[T any](t testing.TB, c <-chan T) (rest []T) {
	t.Helper()
	timeout := time.After(soon)
	for {
		select {
		case v, ok := <-c:
			if !ok {
				return rest
			}
			rest = append(rest, v)
		case <-timeout:
			t.Fatalf("channel of %T is open", c)
		}
	}
}

// until waits until a condition that other goroutines bring about holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not yet: %s", what)
		}
	}
}

// finds fails unless errors.Is finds every target.
func finds(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%v is not %v", err, target)
		}
	}
}

// cause is why a session has ended.
func cause(t testing.TB, c *session.Session) error {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(soon):
		t.Fatal("the session does not end")
	}
	return context.Cause(c.Context())
}

// read is the number of datagrams that a mux has read.
func read(s session.Stats) uint64 { return s.Delivered + s.Refused + s.DroppedQueue + s.DroppedBacklog }

// conserved fails unless every datagram is counted once, and every session.
func conserved(t testing.TB, m *session.Mux, sent int) {
	t.Helper()
	until(t, fmt.Sprintf("%d datagrams counted", sent), func() bool { return read(m.Stats()) >= uint64(sent) })
	s := m.Stats()
	if read(s) != uint64(sent) {
		t.Errorf("%d datagrams sent, counted %d: %+v", sent, read(s), s)
	}
	if n := s.Opened - s.EndedIdle - s.EndedEvicted - s.EndedClosed; int(n) != m.Len() {
		t.Errorf("%d sessions, counted %d: %+v", m.Len(), n, s)
	}
}
