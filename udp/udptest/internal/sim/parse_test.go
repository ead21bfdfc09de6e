package sim_test

import (
	"strings"
	"testing"

	"example.com/dgram/udp/udptest/internal/sim"
)

// What is read as an address is one that a host can have, and is read again from
// its own text.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "192.0.2.1/24", "2001:db8::1/64", "fe80::1%eth1/64", "::ffff:192.0.2.1/24", "1.2.3.4/33", "/", "%", "fe80::1%lo", "fe80::1%/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := sim.ParseAddress(s)
		if err != nil {
			return
		}
		ip := a.Prefix.Addr()
		if !a.Prefix.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip.Zone() != "" || ip.Is4In6() || a.Interface == "" || a.Interface == "lo" {
			t.Fatalf("%q is %+v", s, a)
		}
		text := a.Prefix.String()
		if ip.Is6() {
			text = strings.Replace(text, "/", "%"+a.Interface+"/", 1)
		}
		if b, err := sim.ParseAddress(text); err != nil || b != a {
			t.Fatalf("%q is %+v, and %q is %+v, %v", s, a, text, b, err)
		}
	})
}
