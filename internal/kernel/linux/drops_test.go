//go:build linux

package linux_test

import (
	"net/netip"
	"testing"

	"example.com/dgram/internal/kernel"
)

// A socket that discards receives nothing afterwards, whatever address it is bound
// to.
func TestDiscardTurnsAwayWhatComesLater(t *testing.T) {
	for _, where := range []struct{ network, bound, host string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp4", "0.0.0.0:0", "127.0.0.1"},
		{"udp4", "127.255.255.255:0", "127.255.255.255"}, // cannot be connected
		{"udp6", "[::1]:0", "::1"},
		{"udp6", "[::]:0", "::1"},
		{"udp6", "[::]:0", "127.0.0.1"},
		{"udp6", "[::ffff:127.0.0.1]:0", "127.0.0.1"},
	} {
		t.Run(where.bound+" "+where.host, func(t *testing.T) {
			c := open(t, kernel.Config{Network: where.network, Local: addr(where.bound)})
			from := open(t, kernel.Config{Network: where.network, Broadcast: true})
			to := netip.AddrPortFrom(netip.MustParseAddr(where.host), local(t, c).Port())
			send(t, from, "before", to)
			send(t, from, "before", to)
			fence(t)
			if n := c.Discard(); n != 2 {
				t.Errorf("%d discarded, want 2", n)
			}
			send(t, from, "after", to)
			if n := c.Discard(); n != 0 {
				t.Errorf("%d came later", n)
			}
		})
	}
}
