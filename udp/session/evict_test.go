package session_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// Where every session is of a peer that was answered and lives, a flood is refused. The
// session of a peer that has been silent for as long as a stranger's may be goes.
func TestFloodAtTheMaximumEndsNoSessionThatLives(t *testing.T) {
	const live, flood, idle = 50, 5000, time.Minute
	simulated(t, func(t *testing.T, m *session.Mux, _ *udp.Socket, clients *udptest.Host) {
		var peers []client
		var all []*session.Session
		for range live {
			p, c := peer(t, m, clients)
			if err := c.Send(t.Context(), []byte("welcome")); err != nil {
				t.Fatal(err)
			}
			peers, all = append(peers, p), append(all, c)
		}
		sent := live
		forge := func() {
			s := must(t)(clients.Dial(context.Background(), "udp4", server))
			client{s, t}.send("let me in")
			s.Close()
			sent++
		}
		for i := range flood {
			forge()
			if i%50 == 0 { // every peer sends at least once in a tenth of idle
				peers[i/50%live].send("I live")
				sent++
			}
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		for _, c := range all {
			if c.Context().Err() != nil {
				t.Fatalf("%v has ended: %v", c, context.Cause(c.Context()))
			}
		}
		if s := m.Stats(); s.Refused != flood || s.EndedEvicted != 0 {
			t.Errorf("%+v", s)
		}
		time.Sleep(idle / 10)
		for _, p := range peers[1:] {
			p.send("I live")
			sent++
		}
		forge()
		synctest.Wait()
		finds(t, context.Cause(all[0].Context()), session.ErrEvicted)
		for range flood { // strangers take the place of strangers
			forge()
			synctest.Wait()
			<-m.Sessions()
		}
		for _, c := range all[1:] {
			if c.Context().Err() != nil {
				t.Errorf("%v has ended: %v", c, context.Cause(c.Context()))
			}
		}
		conserved(t, m, sent)
	}, session.Max(live, session.EvictIdlest), session.Idle(idle))
}

// One of a thousand has been silent for a minute, and the others have not, in each
// way in which a session can live.
func TestTheIdlestOfManyIsEvicted(t *testing.T) {
	const n = 1000 // more than one eviction looks at
	for _, way := range []string{"strangers that send", "known peers that send", "known peers that are sent to"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := udptest.NewNetwork(t, udptest.KeepFates(0))
				s := must(t)(network.Host("192.0.2.1").Listen(context.Background(), "udp4", server))
				defer s.Close()
				m, err := session.New(s, session.Max(n, session.EvictIdlest), session.Idle(20*time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				answer := func(all []*session.Session) {
					for _, c := range all {
						if err := c.Send(t.Context(), nil); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Microsecond)
					}
				}
				clients := newCrowd(t, network.Host(addresses(n/100)...), 100)
				clients.send(t, 0, n)
				var all []*session.Session
				for range n {
					all = append(all, <-m.Sessions())
				}
				if way != "strangers that send" {
					answer(all)
				}
				time.Sleep(time.Minute)
				silent := all[n-1]
				if way == "known peers that are sent to" {
					answer(all[:n-1])
				} else {
					clients.send(t, 0, n-1)
				}
				time.Sleep(time.Second)
				if _, err := m.Open(t.Context(), netip.MustParseAddrPort("192.0.2.9:9")); err != nil {
					t.Fatal(err)
				}
				for i, c := range all {
					if (c.Context().Err() != nil) != (c == silent) {
						t.Errorf("session %d: %v", i, context.Cause(c.Context()))
					}
				}
			})
		})
	}
}
