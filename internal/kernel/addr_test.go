package kernel_test

import (
	"net/netip"
	"testing"

	"example.com/dgram/internal/kernel"
)

func TestAddressesAreWhatPackageNetWouldMake(t *testing.T) {
	for _, text := range []string{"192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53", "[::ffff:192.0.2.1]:65535", "0.0.0.0:0"} {
		a := netip.MustParseAddrPort(text)
		u := kernel.UDPAddr(a)
		if u.String() != text && u.AddrPort() != a {
			t.Errorf("%v became %v", a, u)
		}
		if u.IP.To4() == nil && a.Addr().Unmap().Is4() {
			t.Errorf("%v is no longer IPv4", a)
		}
		if grown := append(u.IP, 1); &grown[0] == &u.IP[0] {
			t.Errorf("%v: appending to the address writes behind it", a)
		}
	}
	if u := kernel.UDPAddr(netip.AddrPort{}); u.IP != nil || u.Port != 0 || u.Zone != "" {
		t.Errorf("no address became %#v", u)
	}
	if n := testing.AllocsPerRun(100, func() { kernel.UDPAddr(netip.MustParseAddrPort("[fe80::1%1]:53")) }); n > 2 { // one is the zone's
		t.Errorf("%v allocations", n)
	}
}
