package udptest_test

import (
	"testing"
	"testing/synctest"

	"example.com/dgram/udp/udptest"
)

func TestPairTalks(t *testing.T) {
	run := func(t *testing.T) {
		a, b := udptest.Pair(t)
		if err := a.Send(t.Context(), []byte("ping")); err != nil {
			t.Fatal(err)
		}
		m := <-b.Messages()
		if string(m.Data) != "ping" {
			t.Fatalf("received %q", m.Data)
		}
		if err := b.Reply(t.Context(), m, []byte("pong")); err != nil {
			t.Fatal(err)
		}
		if m := <-a.Messages(); string(m.Data) != "pong" {
			t.Fatalf("received %q", m.Data)
		}
	}
	t.Run("in a bubble", func(t *testing.T) { synctest.Test(t, run) })
	t.Run("in real time", run)
}
