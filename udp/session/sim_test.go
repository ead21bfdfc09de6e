package session_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
	"example.com/dgram/udp/udptest"
)

// simulated runs a test in a bubble, with a mux on a host of a perfect network.
// Time passes there only when every goroutine waits.
func simulated(t *testing.T, test func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host), opts ...session.Option) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		s := must(t)(n.Host("192.0.2.1/24", "192.0.2.2/24").Listen(context.Background(), "udp4", ":4000"))
		m, err := session.New(s, opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(t, m, s, n.Host("198.51.100.1/24"))
	})
}

func must(t *testing.T) func(*udp.Socket, error) *udp.Socket {
	return func(s *udp.Socket, err error) *udp.Socket {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

const server = "192.0.2.1:4000"

// peer opens a client in the simulation, says hello and returns its session.
func peer(t *testing.T, m *session.Mux, clients *udptest.Host) (client, *session.Session) {
	t.Helper()
	c := client{must(t)(clients.Dial(context.Background(), "udp4", server)), t}
	c.send("hello")
	return c, <-m.Sessions()
}

func TestIdleSessionsEndWhenTheirTimeHasCome(t *testing.T) {
	const idle = time.Minute
	simulated(t, func(t *testing.T, m *session.Mux, _ *udp.Socket, clients *udptest.Host) {
		begin := time.Now()
		ended := func(c *session.Session) time.Duration {
			<-c.Done()
			if context.Cause(c.Context()) != session.ErrIdle {
				t.Errorf("ended with %v", context.Cause(c.Context()))
			}
			return time.Since(begin)
		}
		_, stranger := peer(t, m, clients)
		_, answered := peer(t, m, clients)
		talking, heard := peer(t, m, clients)
		opened, err := m.Open(t.Context(), netip.MustParseAddrPort("198.51.100.1:9"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*session.Session{answered, heard} {
			if err := c.Send(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if d := ended(stranger); d < idle/10 || d > idle/10+time.Millisecond {
			t.Errorf("stranger ended after %v", d)
		}
		time.Sleep(idle/2 - time.Since(begin))
		talking.send("still here") // idle starts again
		if d := ended(answered); d < idle || d > idle+time.Millisecond {
			t.Errorf("answered session ended after %v", d)
		}
		if d := ended(opened); d < idle || d > idle+2*time.Millisecond {
			t.Errorf("session of Open ended after %v", d)
		}
		if d := ended(heard); d < 3*idle/2 || d > 3*idle/2+time.Millisecond {
			t.Errorf("session that talks ended after %v", d)
		}
		if s := m.Stats(); s.EndedIdle != 4 || m.Len() != 0 {
			t.Errorf("%+v, %d are left", s, m.Len())
		}
	}, session.Idle(idle))
}

func TestSendingAloneKeepsASessionAlive(t *testing.T) {
	simulated(t, func(t *testing.T, m *session.Mux, _ *udp.Socket, clients *udptest.Host) {
		_, c := peer(t, m, clients)
		for range 100 {
			if err := c.Send(t.Context(), []byte("news")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(59 * time.Second)
		}
		if c.Context().Err() != nil {
			t.Error("it has ended")
		}
	}, session.Idle(time.Minute))
}

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

func TestDrainAnswersTheLastQuestions(t *testing.T) {
	for name, read := range map[string]func(*session.Session, func(udp.Message)) error{
		"Messages": func(c *session.Session, answer func(udp.Message)) error {
			for d := range c.Messages() {
				answer(d)
			}
			return udp.ErrDrained
		},
		"Receive": func(c *session.Session, answer func(udp.Message)) error {
			for {
				d, err := c.Receive(context.Background())
				if err != nil {
					return err
				}
				answer(d)
			}
		},
		"Conn": func(c *session.Session, answer func(udp.Message)) error {
			b := make([]byte, 100)
			for {
				n, err := c.Conn().Read(b)
				if err != nil {
					return err
				}
				answer(udp.Message{Data: b[:n]})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
				asker, c := peer(t, m, clients)
				for range 3 {
					asker.send("question")
				}
				idler, silent := peer(t, m, clients)
				if _, err := silent.Receive(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				drained := make(chan error, 1)
				go func() { drained <- m.Drain(context.Background()) }()
				synctest.Wait()
				ends(t, m.Sessions())
				asker.send("too late")
				idler.send("too late")
				_, err := m.Open(t.Context(), asker.LocalAddr())
				finds(t, err, net.ErrClosed, udp.ErrDrained)
				finds(t, read(c, func(udp.Message) {
					time.Sleep(time.Second) // the answer takes its time
					if err := c.Send(t.Context(), []byte("answer")); err != nil {
						t.Errorf("the answer: %v", err)
					}
				}), udp.ErrDrained)
				finds(t, <-drained, nil)
				finds(t, cause(t, c), udp.ErrDrained)
				finds(t, cause(t, silent), udp.ErrDrained)
				for range 4 {
					expect(t, asker.Messages(), "answer")
				}
				if err := c.Conn().SetDeadline(time.Now().Add(time.Second)); err != nil {
					t.Error(err)
				}
				if _, err := c.Conn().Write([]byte("goodbye")); err != nil {
					t.Errorf("the view: %v", err)
				}
				if err := m.Drain(t.Context()); err != nil {
					t.Errorf("second Drain: %v", err)
				}
				if s := m.Stats(); m.Len() != 0 || s.EndedClosed != 2 || s.Delivered != 5 {
					t.Errorf("%d sessions, %+v", m.Len(), s)
				}
				switch name {
				case "Messages":
					c.Close()
				case "Receive":
					m.Close()
				case "Conn":
					s.Close()
				}
				finds(t, c.Send(t.Context(), nil), net.ErrClosed)
				_, err = c.Conn().Write(nil)
				finds(t, err, net.ErrClosed)
			})
		})
	}
}

func TestDrainEndsInEveryState(t *testing.T) {
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Drain(done); err != context.Canceled {
			t.Errorf("done context: %v", err)
		}
		if err := m.Drain(nil); err == nil {
			t.Error("nil context")
		}
		_, c := peer(t, m, clients) // nothing has happened
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := m.Drain(brief); err != context.DeadlineExceeded { // its reader does not come
			t.Errorf("context over: %v", err)
		}
		if c.Context().Err() != nil {
			t.Error("a session whose stream was not taken has ended")
		}
		drained := make(chan error, 1)
		go func() { drained <- m.Drain(context.Background()) }()
		synctest.Wait()
		m.Close()
		finds(t, <-drained, net.ErrClosed)
		finds(t, cause(t, c), net.ErrClosed)
		finds(t, m.Drain(t.Context()), net.ErrClosed)
		expect(t, c.Messages(), "hello")
	})
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		_, c := peer(t, m, clients)
		drained := make(chan error, 1)
		go func() { drained <- m.Drain(context.Background()) }()
		synctest.Wait()
		s.Close()
		finds(t, <-drained, net.ErrClosed)
		finds(t, cause(t, c), net.ErrClosed)
	})
	simulated(t, func(t *testing.T, m *session.Mux, s *udp.Socket, clients *udptest.Host) {
		_, c := peer(t, m, clients)
		go s.Drain(t.Context()) // by the caller
		if _, err := c.Receive(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := c.Receive(t.Context())
		finds(t, err, udp.ErrDrained)
		finds(t, cause(t, c), udp.ErrDrained)
	})
}

// Errors of the socket reach the mux, which goes on.
func TestRefusalReachesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := udptest.NewNetwork(t)
		a, b := network.Host("192.0.2.1"), network.Host("192.0.2.2")
		gone := must(t)(b.Listen(context.Background(), "udp4", ":9"))
		s := must(t)(a.Dial(context.Background(), "udp4", "192.0.2.2:9"))
		defer s.Close()
		m, err := session.New(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Open(t.Context(), gone.LocalAddr()); err == nil {
			t.Fatal("the wildcard is no peer")
		}
		c, err := m.Open(t.Context(), netip.MustParseAddrPort("192.0.2.2:9"))
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		if err := c.Send(t.Context(), []byte("anyone?")); err != nil {
			t.Fatal(err)
		}
		if err := <-m.Errors(); err == nil {
			t.Error("no error")
		}
		if c.Context().Err() != nil {
			t.Error("a refusal ends no session")
		}
	})
}
