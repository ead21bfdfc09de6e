package netlab_test

import (
	"os"
	"testing"

	"example.com/dgram/internal/netlab"
)

func FuzzKernelFilesStayInBounds(f *testing.F) {
	for _, name := range []string{"igmp", "igmp6", "udp", "udp6", "snmp", "snmp6"} {
		if text, err := os.ReadFile("/proc/self/net/" + name); err == nil {
			f.Add(text)
		}
	}
	f.Add([]byte("2\teth0      :     1      V3\n\t\t\t\t030201EF     1 0:00000000\t\t0\n"))
	f.Add([]byte("2    eth0            ff020000000000000000000000010002     1 00000004 0\n"))
	f.Add([]byte("  1: 0100007F:1B59 00000000:0000 07 00000000:00000D00 00:00000000 00000000     0        0 9 2 0 94\n"))
	f.Add([]byte("Udp: InDatagrams NoPorts\nUdp: 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		groups, _ := netlab.ParseIGMP(text, "eth0")
		groups6, _ := netlab.ParseIGMP6(text, "eth0")
		for _, g := range append(groups, groups6...) {
			if !g.IsValid() {
				t.Errorf("invalid group in %q", text)
			}
		}
		sockets, _ := netlab.ParseUDP(text)
		for _, s := range sockets {
			if !s.Local.IsValid() || !s.Remote.IsValid() {
				t.Errorf("invalid address in %v", s)
			}
		}
		netlab.ParseSNMP(text)
		netlab.ParseSNMP6(text)
	})
}
