package session_test

import (
	"strconv"
	"testing"

	"example.com/dgram/udp/session"
)

func TestIdleSessionIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's memory counts too")
	}
	if used := idleBytes(t, 20_000); used > 512 {
		t.Errorf("%.0f bytes for each idle session", used)
	}
	if strconv.IntSize == 64 && session.SessionSize > 192 {
		t.Errorf("a Session has %d bytes", session.SessionSize)
	}
}

func TestDemultiplexerAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a sync.Pool forgets on purpose")
	}
	for _, policy := range []session.QueuePolicy{session.DropNewest, session.DropOldest} {
		m, batch, all := filled(t, 100, session.Queue(4, policy))
		for _, c := range all[:50] {
			<-c.Messages()
		}
		receive := func() {
			for _, c := range all[:50] {
				<-c.Messages()
			}
			for _, c := range all[50:] {
				if _, err := c.Receive(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 3 { // what waits has been allocated once
			m.Deliver(batch)
		}
		if n := testing.AllocsPerRun(100, func() {
			m.Deliver(batch)
			receive()
		}); n > 0 {
			t.Errorf("%v: %v allocations for 100 datagrams", policy, n)
		}
		for range 10 {
			m.Deliver(batch) // the queues are full
		}
		if n := testing.AllocsPerRun(100, func() { m.Deliver(batch) }); n > 0 {
			t.Errorf("%v: %v allocations for 100 datagrams into full queues", policy, n)
		}
		for peer := range m.All() {
			if n := testing.AllocsPerRun(100, func() { m.Lookup(peer.Peer(), peer.Local()) }); n > 0 {
				t.Errorf("%v allocations of Lookup", n)
			}
			break
		}
	}
}
