package session_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// FuzzEvents makes anything happen in any order, in a simulation, and compares
// the mux with what a model of a few lines says: which sessions there are, what
// each datagram became, and that every number adds up.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 2, 0, 3, 3, 0, 4, 1, 5, 2, 7, 9, 0, 1})
	f.Add([]byte{1, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 6, 1, 0, 0, 0, 1, 2, 2, 8, 0})
	f.Add([]byte{2, 3, 1, 0, 1, 3, 1, 7, 255, 2, 1, 6, 1, 4, 1, 9, 0})
	f.Add([]byte{3, 0, 0, 10, 0, 0, 1, 2, 0, 8, 0, 0, 0})
	f.Fuzz(func(t *testing.T, events []byte) {
		if len(events) < 3 {
			return
		}
		synctest.Test(t, func(t *testing.T) { play(t, events) })
	})
}

const (
	fuzzPeers = 5
	fuzzMax   = 3
	fuzzIdle  = time.Minute
)

// play plays the events: the first byte chooses the policies, then each pair is
// what happens, and to whom.
func play(t *testing.T, events []byte) {
	network := udptest.NewNetwork(t)
	s := must(t)(network.Host("192.0.2.1").Listen(context.Background(), "udp4", server))
	defer s.Close()
	policy, queue := session.SessionPolicy(events[0]&1), session.QueuePolicy(events[0]>>1&1)
	m, err := session.New(s, session.Max(fuzzMax, policy), session.Queue(2, queue), session.Backlog(2), session.Idle(fuzzIdle),
		session.Admit(func(d udp.Message) bool { return string(d.Data) != "refuse" }))
	if err != nil {
		t.Fatal(err)
	}
	host := network.Host("198.51.100.1")
	var peers []*udp.Socket
	for range fuzzPeers {
		peers = append(peers, must(t)(host.Dial(context.Background(), "udp4", server)))
	}
	find := func(i byte) *session.Session {
		c, _ := m.Lookup(peers[i%fuzzPeers].LocalAddr(), netip.Addr{})
		return c
	}
	sent, over, drained := 0, false, false
	var known []*session.Session // every session that was ever seen
	for i := 1; i+1 < len(events) && i < 200; i += 2 {
		who := events[i+1]
		c := find(who)
		before := m.Stats()
		switch events[i] % 12 {
		case 0, 1, 2:
			text := "hello"
			if who >= 128 {
				text = "refuse"
			}
			if err := peers[who%fuzzPeers].Send(t.Context(), []byte(text)); err == nil && !drained {
				sent++
			}
		case 3: // answer
			if c != nil {
				err := c.Send(t.Context(), []byte("answer"))
				if err != nil {
					t.Errorf("a session that lives cannot send: %v", err)
				}
			}
		case 4:
			if c != nil {
				c.Close()
				if find(who) == c {
					t.Error("a closed session is found")
				}
			}
		case 5: // take a session
			select {
			case c, ok := <-m.Sessions():
				if ok {
					known = append(known, c)
				} else if !over && !drained {
					t.Error("Sessions is closed")
				}
			default:
			}
		case 6: // take a datagram, if there is one
			if c != nil {
				done, cancel := context.WithTimeout(t.Context(), 1)
				_, _ = c.Receive(done)
				cancel()
			}
		case 7:
			if c != nil {
				select {
				case <-c.Messages():
				default:
				}
			}
		case 8:
			time.Sleep(time.Duration(who) * time.Second)
		case 9:
			to := peers[who%fuzzPeers].LocalAddr()
			opened, err := m.Open(t.Context(), to)
			switch {
			case err == nil:
				known = append(known, opened)
				if c != nil && opened != c {
					t.Error("Open made a second session")
				}
			case over || drained:
				finds(t, err, net.ErrClosed)
			case policy == session.RefuseNew:
				finds(t, err, session.ErrFull)
			default:
				t.Errorf("Open: %v", err)
			}
		case 10: // with the whole rest at stake, seldom
			if who < 32 {
				m.Close()
				over = true
			}
		case 11:
			if who < 16 && !drained && !over {
				brief, cancel := context.WithTimeout(t.Context(), time.Second)
				_ = m.Drain(brief)
				cancel()
				drained = true
			}
		}
		synctest.Wait()
		check(t, m, sent, before)
	}
	s.Close()
	synctest.Wait()
	check(t, m, sent, session.Stats{})
	if m.Len() != 0 {
		t.Errorf("%d sessions outlive the socket", m.Len())
	}
	for range m.Sessions() {
	}
	for _, c := range known {
		if c.Context().Err() == nil || context.Cause(c.Context()) == nil {
			t.Errorf("%v has not ended", c)
		}
		if err := c.Send(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("it sends: %v", err)
		}
		for range 4 { // what was received, then the end
			if _, err := c.Receive(t.Context()); err != nil {
				break
			}
		}
		if _, err := c.Receive(t.Context()); !errors.Is(err, net.ErrClosed) && !errors.Is(err, udp.ErrReading) {
			t.Errorf("the stream goes on: %v", err)
		}
	}
}

// check fails where a number does not add up, or has shrunk.
func check(t *testing.T, m *session.Mux, sent int, before session.Stats) {
	t.Helper()
	s := m.Stats()
	if read(s) != uint64(sent) {
		t.Fatalf("%d datagrams sent, %d counted: %+v", sent, read(s), s)
	}
	if live := s.Opened - s.EndedIdle - s.EndedEvicted - s.EndedClosed; int(live) != m.Len() || m.Len() > fuzzMax {
		t.Fatalf("%d sessions: %+v", m.Len(), s)
	}
	was := map[string]uint64{}
	for name, value := range before.All() {
		was[name] = value
	}
	for name, value := range s.All() {
		if value < was[name] {
			t.Fatalf("%s fell from %d to %d", name, was[name], value)
		}
	}
	n := 0
	for c := range m.All() {
		n++
		if c.Context().Err() != nil {
			t.Fatalf("%v has ended and is there", c)
		}
		if found, ok := m.Lookup(c.Peer(), c.Local()); !ok || found != c {
			t.Fatalf("%v is not found", c)
		}
	}
	if n != m.Len() {
		t.Fatalf("All has %d sessions, Len is %d", n, m.Len())
	}
}
