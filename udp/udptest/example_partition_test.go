package udptest_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// A chatter repeats what it has heard and said to its peer once a second, so
// that nothing is missed for good.
type chatter struct {
	peer netip.AddrPort
	mu   sync.Mutex
	said []string
}

func (c *chatter) say(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.said, line) {
		c.said = append(c.said, line)
	}
}

func (c *chatter) lines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(slices.Values(c.said))
}

func (c *chatter) run(ctx context.Context, s *udp.Socket) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case m, open := <-s.Messages():
			if !open {
				return
			}
			c.say(string(m.Data))
		case <-tick.C:
			for _, line := range c.lines() {
				s.SendTo(ctx, c.peer, []byte(line))
			}
		case <-ctx.Done():
			return
		}
	}
}

// What two chatters say while they are cut off from each other, both know soon
// after the partition has healed.
func testChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		ann, bob := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(ann, bob, udptest.Latency(30*time.Millisecond), udptest.Loss(0.1))
		a := &chatter{peer: netip.MustParseAddrPort("192.0.2.2:7")}
		b := &chatter{peer: netip.MustParseAddrPort("192.0.2.1:7")}
		for host, c := range map[*udptest.Host]*chatter{ann: a, bob: b} {
			s, err := host.Listen(t.Context(), "udp4", ":7")
			if err != nil {
				t.Fatal(err)
			}
			go c.run(t.Context(), s)
		}

		n.Partition(ann, bob)
		a.say("ann: hello?")
		b.say("bob: anybody?")
		time.Sleep(time.Hour)
		if len(a.lines()) != 1 || len(b.lines()) != 1 {
			t.Errorf("cut off, and yet %q and %q", a.lines(), b.lines())
		}

		n.Heal(ann, bob)
		time.Sleep(10 * time.Second)
		if want := []string{"ann: hello?", "bob: anybody?"}; !slices.Equal(a.lines(), want) || !slices.Equal(b.lines(), want) {
			t.Errorf("healed, and yet %q and %q", a.lines(), b.lines())
		}
	})
}

func Example_partition() {
	run(testChat)
	// Output: PASS
}
