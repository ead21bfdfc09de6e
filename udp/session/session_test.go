package session_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

func TestEachPeerHasASession(t *testing.T) {
	m, s := mux(t)
	first, second := dial(t, s), dial(t, s)
	first.send("one")
	a := take(t, m.Sessions())
	second.send("two")
	b := take(t, m.Sessions())
	first.send("three")
	if a.Peer() != first.addr() || b.Peer() != second.addr() {
		t.Errorf("sessions of %v and %v, want %v and %v", a.Peer(), b.Peer(), first.addr(), second.addr())
	}
	expect(t, a.Messages(), "one")
	expect(t, a.Messages(), "three")
	expect(t, b.Messages(), "two")
	if err := a.Send(t.Context(), []byte("ans"), []byte("wer")); err != nil {
		t.Fatal(err)
	}
	expect(t, first.Messages(), "answer")
	if m.Len() != 2 {
		t.Errorf("%d sessions", m.Len())
	}
	conserved(t, m, 3)
}

func TestReceiveTakesTheStreamWithoutAChannel(t *testing.T) {
	m, s := mux(t)
	peer := dial(t, s)
	peer.send("one")
	peer.send("")
	c := take(t, m.Sessions())
	for _, want := range []string{"one", ""} {
		if got, err := c.Receive(t.Context()); err != nil || string(got.Data) != want {
			t.Fatalf("received %q, %v", got.Data, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	received := make(chan error, 1)
	go func() {
		_, err := c.Receive(ctx)
		received <- err
	}()
	cancel()
	finds(t, take(t, received), context.Canceled)
	if _, err := c.Receive(ctx); err != context.Canceled {
		t.Errorf("done context: %v", err)
	}
	if _, err := c.Receive(nil); err == nil {
		t.Error("nil context")
	}
}

func TestFirstWayToReadHasTheStream(t *testing.T) {
	m, s := mux(t)
	peer, other := dial(t, s), dial(t, s)
	peer.send("one")
	c := take(t, m.Sessions())
	c.Messages()
	_, err := c.Receive(t.Context())
	finds(t, err, udp.ErrReading)
	_, err = c.Conn().Read(make([]byte, 9))
	finds(t, err, udp.ErrReading)
	expect(t, c.Messages(), "one")

	other.send("two")
	c = take(t, m.Sessions())
	if _, err := c.Conn().Read(make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	if rest := ends(t, c.Messages()); rest != nil {
		t.Errorf("received %v", rest)
	}
	finds(t, take(t, m.Errors()), udp.ErrReading)
	other.send("three")
	if got, err := c.Receive(t.Context()); err != nil || string(got.Data) != "three" {
		t.Errorf("received %q, %v", got.Data, err)
	}
}

func TestWhatWasReceivedBeforeTheEndComesFirst(t *testing.T) {
	m, s := mux(t)
	byChannel, byCall, late := dial(t, s), dial(t, s), dial(t, s)
	var all []*session.Session
	for _, peer := range []client{byChannel, byCall, late} {
		peer.send("one")
		peer.send("two")
		all = append(all, take(t, m.Sessions()))
	}
	all[0].Messages()
	until(t, "all delivered", func() bool { return m.Stats().Delivered == 6 })
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		finds(t, cause(t, c), net.ErrClosed)
	}
	for _, c := range []*session.Session{all[0], all[2]} {
		if rest := ends(t, c.Messages()); len(rest) != 2 || string(rest[1].Data) != "two" {
			t.Errorf("the channel holds %v", rest)
		}
	}
	for _, want := range []string{"one", "two"} {
		if got, err := all[1].Receive(t.Context()); err != nil || string(got.Data) != want {
			t.Errorf("received %q, %v", got.Data, err)
		}
	}
	_, err := all[1].Receive(t.Context())
	finds(t, err, net.ErrClosed)
	finds(t, all[1].Send(t.Context(), nil), net.ErrClosed)
	if m.Len() != 0 {
		t.Errorf("%d sessions are left", m.Len())
	}
}

func TestDatagramAfterTheEndOpensAnotherSession(t *testing.T) {
	m, s := mux(t)
	peer := dial(t, s)
	peer.send("one")
	old := take(t, m.Sessions())
	old.Close()
	old.Close()
	peer.send("two")
	c := take(t, m.Sessions())
	if c == old {
		t.Fatal("the session that has ended")
	}
	expect(t, c.Messages(), "two")
	if found, ok := m.Lookup(peer.addr(), netip.Addr{}); !ok || found != c {
		t.Errorf("found %v", found)
	}
	conserved(t, m, 2)
}

func TestOpenIsTheOtherDirection(t *testing.T) {
	m, s := mux(t)
	peer := listen(t, "127.0.0.1:0")
	c, err := m.Open(t.Context(), peer.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	if c.Local().IsValid() {
		t.Errorf("local address %v before the first answer", c.Local())
	}
	if err := c.Send(t.Context(), []byte("question")); err != nil {
		t.Fatal(err)
	}
	q := expect(t, peer.Messages(), "question")
	if q.From != s.LocalAddr() {
		t.Errorf("from %v, want %v", q.From, s.LocalAddr())
	}
	if err := peer.Reply(t.Context(), q, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Messages(), "answer")
	if c.Local() != s.LocalAddr().Addr() {
		t.Errorf("local address %v", c.Local())
	}
	if again, err := m.Open(t.Context(), peer.LocalAddr()); again != c || err != nil {
		t.Errorf("opened %v, %v", again, err)
	}
	if len(m.Sessions()) != 0 {
		t.Error("it is on Sessions")
	}
	if s := m.Stats(); s.Opened != 1 || s.Accepted != 0 {
		t.Errorf("%+v", s)
	}
}
