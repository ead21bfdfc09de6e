package main

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// On the clock of a bubble a link's latency is exact, and so is what the client
// makes of it: the delay is the sum of both ways, and half of their difference is
// what the protocol cannot know.
func TestOffsetAndDelayOfAKnownLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		client, server := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.LinkOneWay(client, server, udptest.Latency(50*time.Millisecond))
		n.LinkOneWay(server, client, udptest.Latency(30*time.Millisecond))
		s, err := server.Listen(t.Context(), "udp4", ":123", udp.WithTimestamps())
		if err != nil {
			t.Fatal(err)
		}
		go serve(t.Context(), s, 5*time.Second)
		c, err := client.Dial(t.Context(), "udp4", "192.0.2.2:123", udp.WithTimestamps())
		if err != nil {
			t.Fatal(err)
		}
		got, err := exchange(t.Context(), c, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if off := got.offset - 5010*time.Millisecond; off.Abs() > time.Microsecond { // NTP's fractions of a second
			t.Errorf("offset %v, want 5.01s", got.offset)
		}
		if off := got.delay - 80*time.Millisecond; off.Abs() > time.Microsecond {
			t.Errorf("delay %v, want 80ms", got.delay)
		}
	})
}
