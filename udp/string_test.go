package udp_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/dgram/udp"
)

// A socket prints its network and addresses, in every state, beside any call.
func TestSocketPrintsItsAddresses(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := open(t, f.network)
		same(t, "unbound", fmt.Sprint(s), f.network+" unbound")
		ok(t, s.Bind(t.Context(), f.local()))
		local := s.LocalAddr()
		same(t, "bound", fmt.Sprintf("%v", s), f.network+" "+local.String())
		peer := of(std(t, f))
		ok(t, s.Connect(t.Context(), peer.String()))
		same(t, "connected", s.String(), fmt.Sprint(f.network, " ", local, "->", peer))
		printing := begin(func() {
			for range 1000 {
				if text := fmt.Sprintf("%v %+v %s", s, s, s); strings.Contains(text, "{") {
					t.Errorf("shows its inside: %s", text)
					return
				}
			}
		})
		for range 50 {
			ok(t, s.Disconnect())
			ok(t, s.Connect(t.Context(), peer.String()))
		}
		s.Close()
		ended(t, "printing", printing)
		same(t, "address after Close", s.LocalAddr(), local)
	})
}

func TestOverflowPrintsItsName(t *testing.T) {
	for o, want := range map[udp.Overflow]string{
		udp.OverflowBlock: "block", udp.OverflowDropNewest: "drop newest", udp.OverflowDropOldest: "drop oldest", 7: "overflow 7",
	} {
		same(t, "text", fmt.Sprint(o), want)
	}
}
