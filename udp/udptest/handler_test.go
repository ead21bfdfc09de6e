package udptest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// The test of docs/recipes.md: a handler of the user's on a network that loses.
func TestHandlerAnswersOnALossyNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t, udptest.Seed(1))
		server, client := n.Host("192.0.2.1"), n.Host("198.51.100.7")
		n.Link(client, server, udptest.Latency(50*time.Millisecond), udptest.Loss(0.2))
		s, err := server.Listen(t.Context(), "udp4", "192.0.2.1:7")
		if err != nil {
			t.Fatal(err)
		}
		go handle(t, s)
		c, err := client.Dial(t.Context(), "udp4", "192.0.2.1:7")
		if err != nil {
			t.Fatal(err)
		}
		answered := 0
		for range 100 {
			if err := c.Send(t.Context(), []byte("hello")); err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.Messages():
				answered++
			case <-time.After(time.Second): // takes no time: the clock jumps
			}
		}
		if answered < 50 || answered == 100 { // 0.8 × 0.8 of 100, give or take
			t.Errorf("%d of 100 answered", answered)
		}
		s.Close()
	})
}

// handle is the code under test. It knows nothing of the simulation.
func handle(t *testing.T, s *udp.Socket) {
	for m := range s.Messages() {
		if err := s.Reply(t.Context(), m, m.Data); err != nil {
			t.Error(err)
		}
		m.Release()
	}
}
