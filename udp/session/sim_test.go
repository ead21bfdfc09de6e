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
