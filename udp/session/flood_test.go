package session_test

import (
	"context"
	"flag"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

var flood = flag.Duration("flood", 0, "how `long` TestFloodAtFullRate goes on; 0 skips it")

// A siege is a server with a mux, sessions that live, and a host that sends from
// as many addresses as it likes.
type siege struct {
	t    testing.TB
	s    *udp.Socket
	m    *session.Mux
	live []*session.Session
	got  atomic.Int64 // datagrams that the live sessions have received

	clients  []*udp.Socket // of the sessions that live
	flooders []*udp.Socket
	next     int // address of the flood
}

const (
	addressesOfFlood   = 65_000 // of a prefix of 16 bits
	addressesOfClients = 100
)

func besiege(t *testing.T, live int, opts ...session.Option) *siege {
	t.Helper()
	lab := netlab.New(t)
	server, crowd := lab.Host("server"), lab.Host("crowd")
	lab.Link(server.Port("eth0", "10.0.0.1/24"), crowd.Port("eth0", "10.0.0.2/24"))
	lab.Must(
		crowd.AddAddress("lo", "10.1.0.0/16"),
		crowd.AddAddress("lo", "10.2.0.0/16"),
		server.AddRoute("10.1.0.0/16", "10.0.0.2"),
		server.AddRoute("10.2.0.0/16", "10.0.0.2"),
	)
	open := func(h *netlab.Host, address string) *udp.Socket {
		s := netlab.On(h, func() (*udp.Socket, error) { return udp.Listen(context.Background(), "udp4", address) })
		t.Cleanup(func() { s.Close() })
		return s
	}
	g := &siege{t: t, s: open(server, "10.0.0.1:4000")}
	g.m = over(t, g.s, opts...)
	for range (live + addressesOfClients - 1) / addressesOfClients {
		g.clients = append(g.clients, open(crowd, "0.0.0.0:0"))
	}
	for range 16 {
		g.flooders = append(g.flooders, open(crowd, "0.0.0.0:0"))
	}
	for i := range live {
		g.talk(i)
		c := take(t, g.m.Sessions())
		if err := c.Send(t.Context(), []byte("welcome")); err != nil {
			t.Fatal(err)
		}
		g.live = append(g.live, c)
		go func() {
			for range c.Messages() {
				g.got.Add(1)
			}
		}()
	}
	go func() {
		for range g.m.Sessions() { // strangers are looked at and left
		}
	}()
	return g
}

// talk sends one datagram of live peer i.
func (g *siege) talk(i int) {
	g.t.Helper()
	d := udp.Datagram{Data: []byte("I live"), To: g.s.LocalAddr(), From: netip.AddrFrom4([4]byte{10, 2, 0, byte(i % addressesOfClients)})}
	if _, err := g.clients[i/addressesOfClients].SendBatch(g.t.Context(), []udp.Datagram{d}); err != nil {
		g.t.Fatal(err)
	}
}

// forge sends a batch of datagrams, each from another peer.
func (g *siege) forge(batch []udp.Datagram) {
	g.t.Helper()
	for i := range batch {
		at := g.next % addressesOfFlood
		batch[i] = udp.Datagram{Data: []byte("let me in"), To: g.s.LocalAddr(), From: netip.AddrFrom4([4]byte{10, 1, byte(at >> 8), byte(at)})}
		g.next++
	}
	from := g.flooders[(g.next-1)/addressesOfFlood%len(g.flooders)]
	if _, err := from.SendBatch(g.t.Context(), batch); err != nil {
		g.t.Fatal(err)
	}
}

// holds fails where the flood has cost the living anything but what the kernel
// could not keep.
func (g *siege) holds(most int) {
	g.t.Helper()
	for _, c := range g.live {
		if c.Context().Err() != nil {
			g.t.Fatalf("%v has ended: %v", c, context.Cause(c.Context()))
		}
	}
	if n := g.m.Len(); n > most {
		g.t.Errorf("%d sessions", n)
	}
}

// Where the kernel's buffer has room for the flood, the living lose nothing.
func TestFloodTakesNothingFromSessionsThatLive(t *testing.T) {
	const live, most, rounds, burst = 100, 1000, 400, 50
	for _, policy := range []session.SessionPolicy{session.RefuseNew, session.EvictIdlest} {
		t.Run(policy.String(), func(t *testing.T) {
			g := besiege(t, live, session.Max(most, policy), session.Idle(time.Hour)) // no stranger goes by itself
			batch := make([]udp.Datagram, burst)
			sent := live
			for round := range rounds {
				g.forge(batch)
				for i := range 4 {
					g.talk((round*4 + i) % live)
				}
				sent += burst + 4
				until(t, "the mux has read all", func() bool { return read(g.m.Stats()) == uint64(sent) })
			}
			until(t, "the living have received all", func() bool { return g.got.Load() == live+4*rounds })
			g.holds(most)
			conserved(t, g.m, sent)
			s := g.m.Stats()
			if policy == session.RefuseNew && s.Refused != rounds*burst-(most-live) {
				t.Errorf("%+v", s)
			}
			if policy == session.EvictIdlest && s.EndedEvicted != rounds*burst-(most-live) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// As fast as the machine can: go test -run FullRate -flood 10s -v
func TestFloodAtFullRate(t *testing.T) {
	if *flood == 0 {
		t.Skip("-flood is 0")
	}
	const live, most = 1000, 8192
	for _, policy := range []session.SessionPolicy{session.RefuseNew, session.EvictIdlest} {
		t.Run(policy.String(), func(t *testing.T) {
			g := besiege(t, live, session.Max(most, policy))
			stop := make(chan struct{})
			talked := make(chan int)
			go func() { // every peer that lives talks twenty times a second
				n := 0
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						for range live * 20 / 1000 {
							g.talk(n % live)
							n++
						}
					case <-stop:
						talked <- n
						return
					}
				}
			}()
			batch := make([]udp.Datagram, 100)
			var early, late uint64
			begin := time.Now()
			for time.Since(begin) < *flood {
				for range 100 {
					g.forge(batch)
				}
				if late = heap(); early == 0 && g.next > most {
					early = late
				}
			}
			took := time.Since(begin)
			close(stop)
			spoken := live + <-talked
			until(t, "all is read", func() bool {
				socket := g.s.Stats() // may count a datagram of the mux's loop as waiting
				return read(g.m.Stats()) == socket.Received+socket.Waiting
			})
			time.Sleep(100 * time.Millisecond)
			socket, s := g.s.Stats(), g.m.Stats()
			t.Logf("%d new peers in %v, %.0f a second; %d datagrams of %d peers that live, %d received, %d lost; the kernel dropped %d of all %d",
				g.next, took, float64(g.next)/took.Seconds(), spoken, live, g.got.Load(), int64(spoken)-g.got.Load(), socket.DroppedKernel, g.next+spoken)
			t.Logf("heap %d KiB when the table was full, %d KiB at the end; %+v", early>>10, late>>10, s)
			g.holds(most)
			if lost := int64(spoken) - g.got.Load(); uint64(lost) > socket.DroppedKernel {
				t.Errorf("%d lost, and the kernel dropped %d", lost, socket.DroppedKernel)
			}
			if early > 0 && late > early+early/2 {
				t.Errorf("heap grew from %d to %d bytes", early, late)
			}
		})
	}
}
