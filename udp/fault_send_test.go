package udp_test

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

// A send that is refused itself has still heard about others.
func TestNewsIsKeptWhenTheSendFailsItself(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		other := netip.MustParseAddrPort("192.0.2.50:50")
		c.change(func() {
			c.refusals = []kernel.Refusal{refusal(other, syscall.EHOSTUNREACH)}
			c.deaf = syscall.EHOSTUNREACH
		})
		fails(t, s.SendTo(context.Background(), friend, nil), syscall.EHOSTUNREACH)
		shaped(t, <-s.Errors(), "read", other.String())
	}, udp.WithICMPErrors())
}

// A send that is refused again and again is an error, and soon.
func TestASendThatIsAlwaysRefusedFails(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.deaf = syscall.ECONNREFUSED })
		began := time.Now()
		fails(t, s.SendTo(context.Background(), friend, nil), syscall.ECONNREFUSED)
		if n := c.Calls().Write; n > 20 || time.Since(began) > 0 {
			t.Errorf("%d calls in %v", n, time.Since(began))
		}
	})
}

// Nobody receives from the Outbox after the end, but who put something there
// can see that it was dropped.
func TestWhatIsQueuedAfterTheEndIsCounted(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		out := s.Outbox()
		out <- udp.Datagram{To: friend, Data: []byte("in time")}
		synctest.Wait()
		s.Close()
		for range 3 {
			out <- udp.Datagram{To: friend, Data: []byte("late")}
		}
		st := s.Stats()
		same(t, "sent", st.Sent, 1)
		same(t, "dropped", st.SendDropped, 3)
	})
}

// What cannot be sent for now is not tried without a pause.
func TestAFullDeviceQueueIsNotTriedWithoutAPause(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.deaf = syscall.ENOBUFS })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		began := time.Now()
		fails(t, s.SendTo(ctx, friend, nil), context.DeadlineExceeded)
		same(t, "duration", time.Since(began), 10*time.Second)
		if n := c.Calls().Write; n > 1000 {
			t.Errorf("%d calls in ten seconds", n)
		}
		sent := later(func() error { return s.SendTo(context.Background(), friend, nil) })
		synctest.Wait()
		s.Close()
		fails(t, <-sent, net.ErrClosed)
	})
}
