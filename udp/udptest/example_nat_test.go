package udptest_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp/udptest"
)

// A server behind a symmetric NAT cannot be reached at the address that a third
// host sees: the NAT gives it another port for each destination.
func testUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		home, stun, friend := n.Host("10.0.0.2"), n.Host("192.0.2.1"), n.Host("198.51.100.1")
		n.NAT("203.0.113.1", udptest.Symmetric, time.Minute, home)

		server, err := home.Listen(t.Context(), "udp4", ":7")
		if err != nil {
			t.Fatal(err)
		}
		mirror, err := stun.Listen(t.Context(), "udp4", ":3478")
		if err != nil {
			t.Fatal(err)
		}
		client, err := friend.Listen(t.Context(), "udp4", ":7")
		if err != nil {
			t.Fatal(err)
		}

		// The mirror tells under which address it sees the server.
		server.SendTo(t.Context(), netip.MustParseAddrPort("192.0.2.1:3478"), []byte("who am I?"))
		m, err := mirror.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		client.SendTo(t.Context(), m.From, []byte("hello?"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if m, err := server.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("received %q, error %v", m.Data, err)
		}
		if n.Totals().Lost[udptest.Filtered] != 1 {
			t.Errorf("%+v", n.Totals())
		}
	})
}

func Example_symmetricNAT() {
	run(testUnreachable)
	// Output: PASS
}
