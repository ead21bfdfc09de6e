package session_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

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
