package main

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp/udptest"
)

// A bad link loses, repeats and reorders: the echo sends back what reaches it, and
// nothing else.
func TestEchoThroughABadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		client, server := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(client, server, udptest.Latency(40*time.Millisecond), udptest.Loss(0.2),
			udptest.Duplicate(0.1), udptest.Reorder(0.2, 100*time.Millisecond))
		s, err := server.Listen(t.Context(), "udp4", ":7")
		if err != nil {
			t.Fatal(err)
		}
		go serve(s)
		c, err := client.Dial(t.Context(), "udp4", "192.0.2.2:7")
		if err != nil {
			t.Fatal(err)
		}
		back := c.Messages()
		var heard int
		for i := range 200 {
			if err := c.Send(t.Context(), []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			for len(back) > 0 {
				<-back
				heard++
			}
		}
		time.Sleep(time.Second)
		heard += len(back)

		echoes := s.Stats().Sent
		if received := s.Stats().Received; received != echoes || received < 120 {
			t.Errorf("%d received and %d sent back", received, echoes)
		}
		if heard < 100 {
			t.Errorf("%d echoes came back", heard)
		}
		if all := n.Totals(); all.Sent != 200+echoes || all.Lost[udptest.Lost] == 0 || all.Copied == 0 {
			t.Errorf("%+v", all)
		}
	})
}
