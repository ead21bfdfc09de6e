package udptest_test

import (
	"net/netip"
	"strings"
	"testing"

	"example.com/dgram/udp/udptest"
)

// A host without addresses is given some that nothing has that the test has named.
func TestAutomaticAddressesAreThoseThatNothingHas(t *testing.T) {
	n := udptest.NewNetwork(t)
	n.Host("198.18.0.2")
	inside := n.Host("10.0.0.1", "2001:db8::4")
	n.NAT("198.18.0.5", udptest.FullCone, 0, inside)
	for _, want := range []string{"198.18.0.3", "198.18.0.6", "198.18.0.7"} {
		h := n.Host()
		same(t, "address", h.Addr(), netip.MustParseAddr(want))
		listen(t, h)
	}
}

// Hosts are given addresses of both families until 198.18.0.0/15 has no more, which
// ends the test.
func TestAutomaticAddressesLastForTheirPrefix(t *testing.T) {
	const all = 1<<17 - 2 // neither the first nor the last of the prefix
	var last *udptest.Host
	made := 0
	r := misuse(t, func(t testing.TB) {
		n := udptest.NewNetwork(t)
		for ; made <= all; made++ {
			last = n.Host()
		}
	})
	same(t, "hosts made", made, all)
	same(t, "last IPv4 address", last.Addrs()[0], netip.MustParseAddr("198.19.255.254"))
	same(t, "last IPv6 address", last.Addrs()[1], netip.MustParseAddr("2001:db8::1:fffe"))
	if !strings.Contains(r.message, "no automatic address is left in 198.18.0.0/15") {
		t.Errorf("ended with %q", r.message)
	}
	same(t, "the line is in", r.file, "hostaddress_test.go")
}

// Two interfaces may have the same link-local address.
func TestAHostHasALinkLocalAddressOnEachInterface(t *testing.T) {
	h := udptest.NewNetwork(t).Host("fe80::1%eth0", "fe80::1%eth1")
	same(t, "addresses", len(h.Addrs()), 2)
}
