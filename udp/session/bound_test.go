package session_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

func TestFullQueueDropsTheNewest(t *testing.T) { fullQueue(t, session.DropNewest, "0", "1", "2") }
func TestFullQueueDropsTheOldest(t *testing.T) { fullQueue(t, session.DropOldest, "5", "6", "7") }

// fullQueue sends eight datagrams into a queue of three, with and without a
// channel. A second session loses nothing.
func fullQueue(t *testing.T, policy session.QueuePolicy, want ...string) {
	for _, channel := range []bool{true, false} {
		t.Run(fmt.Sprint("channel ", channel), func(t *testing.T) {
			m, s := mux(t, session.Queue(3, policy))
			slow, quick := dial(t, s), dial(t, s)
			slow.send("0")
			c := take(t, m.Sessions())
			if channel {
				c.Messages()
			}
			for i := range 7 {
				slow.send(fmt.Sprint(i + 1))
			}
			quick.send("quick")
			expect(t, take(t, m.Sessions()).Messages(), "quick")
			if n := m.Stats().DroppedQueue; n != 5 {
				t.Errorf("%d dropped", n)
			}
			conserved(t, m, 9)
			for _, text := range want {
				if channel {
					expect(t, c.Messages(), text)
				} else if got, err := c.Receive(t.Context()); err != nil || string(got.Data) != text {
					t.Errorf("received %q, %v", got.Data, err)
				}
			}
			slow.send("again")
			if channel {
				expect(t, c.Messages(), "again")
			} else if got, err := c.Receive(t.Context()); err != nil || string(got.Data) != "again" {
				t.Errorf("received %q, %v", got.Data, err)
			}
			conserved(t, m, 10)
		})
	}
}

func TestNewPeersAreRefusedAtTheMaximum(t *testing.T) {
	m, s := mux(t, session.Max(2, session.RefuseNew))
	peers := []client{dial(t, s), dial(t, s), dial(t, s)}
	for _, p := range peers {
		p.send("hello")
	}
	conserved(t, m, 3)
	if s := m.Stats(); s.Refused != 1 || s.Opened != 2 {
		t.Errorf("%+v", s)
	}
	_, err := m.Open(t.Context(), peers[2].addr())
	finds(t, err, session.ErrFull)
	if c, err := m.Open(t.Context(), peers[0].addr()); err != nil || c.Peer() != peers[0].addr() {
		t.Errorf("opened %v, %v", c, err)
	}
	take(t, m.Sessions()).Close()
	peers[2].send("again")
	take(t, m.Sessions())
	expect(t, take(t, m.Sessions()).Messages(), "again")
	conserved(t, m, 4)
}

func TestStrangersAreEvictedFirst(t *testing.T) {
	m, s := mux(t, session.Max(3, session.EvictIdlest))
	var peers []client
	var all []*session.Session
	greet := func() {
		p := dial(t, s)
		p.send("hello")
		peers, all = append(peers, p), append(all, take(t, m.Sessions()))
	}
	for range 3 {
		greet()
	}
	for _, i := range []int{0, 2} { // 1 is never answered, and the last to be heard
		if err := all[i].Send(t.Context(), []byte("welcome")); err != nil {
			t.Fatal(err)
		}
	}
	peers[1].send("please")
	until(t, "counted", func() bool { return read(m.Stats()) == 4 })
	greet() // evicts 1
	finds(t, cause(t, all[1]), session.ErrEvicted)
	greet() // evicts 3, the only stranger
	finds(t, cause(t, all[3]), session.ErrEvicted)
	if err := all[4].Send(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	peers[0].send("still here")
	until(t, "counted", func() bool { return read(m.Stats()) == 7 })
	greet() // evicts 2: 0 has sent, 4 is new
	finds(t, cause(t, all[2]), session.ErrEvicted)
	for _, i := range []int{0, 4, 5} {
		if all[i].Context().Err() != nil {
			t.Errorf("session %d has ended: %v", i, cause(t, all[i]))
		}
	}
	if _, err := m.Open(t.Context(), peers[1].addr()); err != nil {
		t.Error(err)
	}
	finds(t, cause(t, all[5]), session.ErrEvicted)
	if n := m.Stats().EndedEvicted; n != 4 || m.Len() != 3 {
		t.Errorf("%d evicted, %d sessions", n, m.Len())
	}
	conserved(t, m, 8)
}

func TestFullBacklogDropsNewPeersOnly(t *testing.T) {
	m, s := mux(t, session.Backlog(2))
	peers := []client{dial(t, s), dial(t, s), dial(t, s)}
	for _, p := range peers {
		p.send("hello")
	}
	peers[0].send("more")
	conserved(t, m, 4)
	if s := m.Stats(); s.DroppedBacklog != 1 || s.Opened != 2 || s.Delivered != 3 || s.Accepted != 0 {
		t.Errorf("%+v", s)
	}
	take(t, m.Sessions())
	peers[2].send("again")
	take(t, m.Sessions())
	expect(t, take(t, m.Sessions()).Messages(), "again")
	if n := m.Stats().Accepted; n != 3 {
		t.Errorf("%d accepted", n)
	}
	conserved(t, m, 5)
}

func TestAdmitDecidesAboutFirstDatagramsOnly(t *testing.T) {
	asked := 0
	m, s := mux(t, session.Admit(func(m udp.Message) bool {
		asked++ // the reader alone asks
		return string(m.Data) == "password"
	}))
	peer := dial(t, s)
	peer.send("hello")
	conserved(t, m, 1)
	if s := m.Stats(); s.Refused != 1 || m.Len() != 0 {
		t.Errorf("%+v", s)
	}
	peer.send("password")
	peer.send("hello")
	c := take(t, m.Sessions())
	expect(t, c.Messages(), "password")
	expect(t, c.Messages(), "hello")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAdmitMayCallTheMux(t *testing.T) {
	var m *session.Mux
	calls := map[string]func(udp.Message) bool{
		"Open": func(d udp.Message) bool {
			c, err := m.Open(t.Context(), d.From)
			return err == nil && c.Peer() == d.From
		},
		"Lookup": func(d udp.Message) bool {
			_, ok := m.Lookup(d.From, d.To)
			return !ok && m.Len() == 0 && m.Stats().Opened == 0
		},
		"Close":       func(udp.Message) bool { return m.Close() == nil },
		"Listener":    func(udp.Message) bool { return m.Listener().Close() == nil },
		"open, close": func(d udp.Message) bool { c, err := m.Open(t.Context(), d.From); return err == nil && c.Close() == nil },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0")
			ready := make(chan struct{})
			m = over(t, s, session.Admit(func(d udp.Message) bool {
				<-ready
				return call(d)
			}))
			close(ready)
			peer := dial(t, s)
			peer.send("hello")
			conserved(t, m, 1)
			switch name {
			case "Close":
				if n := m.Stats().Refused; n != 1 {
					t.Errorf("%d refused", n)
				}
			default:
				c, ok := m.Lookup(peer.addr(), s.LocalAddr().Addr())
				if !ok {
					t.Fatal("no session")
				}
				expect(t, c.Messages(), "hello")
			}
		})
	}
}

func TestAdmitMayCloseTheSocket(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	m := over(t, s, session.Admit(func(udp.Message) bool { return s.Close() == nil }))
	peer := dial(t, s)
	peer.send("hello")
	ends(t, m.Sessions())
	conserved(t, m, 1)
}

func TestIdleSessionEnds(t *testing.T) {
	m, s := mux(t, session.Idle(200*time.Millisecond))
	stranger, known := dial(t, s), dial(t, s)
	stranger.send("hello")
	a := take(t, m.Sessions())
	known.send("hello")
	b := take(t, m.Sessions())
	if err := b.Send(t.Context(), []byte("welcome")); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	finds(t, cause(t, a), session.ErrIdle)
	finds(t, cause(t, b), session.ErrIdle)
	if lived := time.Since(begun); lived < 150*time.Millisecond {
		t.Errorf("a peer that was answered: %v", lived)
	}
	finds(t, b.Send(t.Context(), nil), net.ErrClosed, session.ErrIdle)
	_, err := a.Conn().Write(nil)
	finds(t, err, session.ErrIdle)
	if n := m.Stats().EndedIdle; n != 2 || m.Len() != 0 {
		t.Errorf("%d ended, %d are left", n, m.Len())
	}
}
