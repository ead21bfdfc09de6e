package session_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// crowd is many peers with few sockets: each sends from each address of its host.
type crowd struct {
	sockets []*udp.Socket
	addrs   []netip.Addr
}

func newCrowd(t *testing.T, h *udptest.Host, sockets int) crowd {
	t.Helper()
	c := crowd{addrs: h.Addrs()}
	for range sockets {
		c.sockets = append(c.sockets, must(t)(h.Listen(context.Background(), "udp4", ":0")))
	}
	return c
}

// send sends one datagram from each of n peers, and lets the others run in time
// for the socket's buffer.
func (c crowd) send(t *testing.T, from, n int) {
	t.Helper()
	to := netip.MustParseAddrPort(server)
	for i := from; i < from+n; i++ {
		d := udp.Datagram{Data: []byte("hello"), To: to, From: c.addrs[i/len(c.sockets)]}
		if _, err := c.sockets[i%len(c.sockets)].SendBatch(t.Context(), []udp.Datagram{d}); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			synctest.Wait()
		}
	}
	synctest.Wait()
}

func addresses(n int) []string {
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = fmt.Sprintf("10.0.%d.%d/8", i>>8, i&255)
	}
	return addrs
}

func TestHundredThousandSessionsExpireInNoTime(t *testing.T) {
	n, sockets := 100_000, 250
	if testing.Short() || raceEnabled {
		n = 10_000
	}
	synctest.Test(t, func(t *testing.T) {
		network := udptest.NewNetwork(t, udptest.KeepFates(0))
		s := must(t)(network.Host("192.0.2.1").Listen(context.Background(), "udp4", server))
		defer s.Close()
		m, err := session.New(s, session.Max(n, session.RefuseNew), session.Backlog(200))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for c := range m.Sessions() {
				if err := c.Send(context.Background(), nil); err != nil {
					t.Error(err)
				}
			}
		}()
		clients := newCrowd(t, network.Host(addresses(n/sockets)...), sockets)
		begin := time.Now()
		clients.send(t, 0, n)
		if m.Len() != n {
			t.Fatalf("%d sessions, want %d: %+v", m.Len(), n, m.Stats())
		}
		time.Sleep(2*time.Minute - time.Since(begin) - time.Nanosecond)
		synctest.Wait()
		if m.Len() != n {
			t.Errorf("%d of %d sessions before their time", m.Len(), n)
		}
		time.Sleep(time.Since(begin) - 2*time.Minute + 10*time.Millisecond)
		synctest.Wait()
		if m.Len() != 0 {
			t.Errorf("%d sessions are left after their time", m.Len())
		}
		if s := m.Stats(); s.EndedIdle != uint64(n) || s.Delivered != uint64(n) {
			t.Errorf("%+v", s)
		}
	})
}

// A flood of strangers takes nothing from peers that were answered.
func TestFloodOfStrangersEvictsStrangersOnly(t *testing.T) {
	const known, most, flood = 500, 1000, 20_000 // more known peers than one eviction looks at
	synctest.Test(t, func(t *testing.T) {
		network := udptest.NewNetwork(t, udptest.KeepFates(0))
		s := must(t)(network.Host("192.0.2.1").Listen(context.Background(), "udp4", server))
		defer s.Close()
		m, err := session.New(s, session.Max(most, session.EvictIdlest), session.Backlog(known))
		if err != nil {
			t.Fatal(err)
		}
		clients := newCrowd(t, network.Host(addresses((known+flood)/100)...), 100)
		clients.send(t, 0, known)
		var all []*session.Session
		for range known {
			c := <-m.Sessions()
			if err := c.Send(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		go func() {
			for range m.Sessions() {
			}
		}()
		time.Sleep(time.Millisecond) // the known peers are the idlest
		clients.send(t, known, flood)
		for _, c := range all {
			if c.Context().Err() != nil {
				t.Fatalf("%v has ended: %v", c, context.Cause(c.Context()))
			}
		}
		clients.send(t, 0, known)
		if s := m.Stats(); m.Len() != most || s.EndedEvicted != known+flood-most || s.DroppedBacklog != 0 || s.Delivered != 2*known+flood {
			t.Errorf("%d sessions, %+v", m.Len(), s)
		}
	})
}

// The idlest goes first, whatever the order in which they were heard.
func TestEvictionIsInTheOrderOfTheLastDatagram(t *testing.T) {
	const n = 50
	for _, answer := range []bool{false, true} {
		simulated(t, func(t *testing.T, m *session.Mux, _ *udp.Socket, clients *udptest.Host) {
			peers, all := make([]client, n), make([]*session.Session, n)
			for i := range n {
				peers[i], all[i] = peer(t, m, clients)
				if answer {
					if err := all[i].Send(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			order := make([]int, n)
			for i := range order {
				order[i] = i * 7 % n
				time.Sleep(time.Millisecond)
				peers[order[i]].send("again")
				synctest.Wait()
			}
			for _, i := range order[:n-1] {
				time.Sleep(time.Millisecond)
				newest, c := peer(t, m, clients)
				if err := c.Send(t.Context(), nil); err != nil { // a stranger would be next
					t.Fatal(err)
				}
				finds(t, cause(t, all[i]), session.ErrEvicted)
				newest.Close()
			}
			if last := all[order[n-1]]; last.Context().Err() != nil {
				t.Error("the last has ended too")
			}
		}, session.Max(n, session.EvictIdlest), session.Idle(time.Hour))
	}
}
