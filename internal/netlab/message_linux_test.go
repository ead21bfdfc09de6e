package netlab_test

import (
	"errors"
	"os"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/sys/unix"
)

func TestRequestsCanBeParsed(t *testing.T) {
	b := netlab.Request(20, 3, "eth0")
	all, err := netlab.ParseMessages(b)
	if err != nil || len(all) != 1 || all[0].Size() != len(b) {
		t.Fatalf("messages %v, error %v", all, err)
	}
}

func TestMessagesThatAreCutOffAreRefused(t *testing.T) {
	b := netlab.Request(20, 3, "eth0")
	for n := 1; n < len(b); n++ {
		if _, err := netlab.ParseMessages(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a message", n, len(b))
		}
	}
}

func FuzzMessagesStayInBounds(f *testing.F) {
	request := netlab.Request(20, 3, "eth0")
	f.Add(request)
	f.Add(append(request, request...))
	f.Add(request[:len(request)-1])
	f.Add([]byte{16, 0, 0, 0, unix.NLMSG_DONE, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{20, 0, 0, 0, unix.NLMSG_ERROR, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xff, 0xff, 0xff})
	f.Add([]byte{15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := netlab.ParseMessages(b)
		total := 0
		for _, m := range all {
			total += m.Size()
			var errno unix.Errno
			if err := m.Refused(); err != nil && m.Size() >= 20 && !errors.As(err, &errno) {
				t.Errorf("refusal %v has no errno", err)
			}
		}
		if total > len(b) {
			t.Errorf("%d bytes of messages in %d", total, len(b))
		}
		if err == nil && len(b) > 0 && len(all) == 0 {
			t.Error("neither messages nor an error")
		}
	})
}

func FuzzAttributesStayInBounds(f *testing.F) {
	f.Add([]byte{})
	f.Add(netlab.Request(20, 3, "eth0")[20:])
	f.Add([]byte{4, 0, 1, 0, 5, 0, 2, 0, 'x'})
	f.Add([]byte{3, 0, 1, 0})
	f.Add([]byte{0xff, 0xff, 1, 0})
	f.Add([]byte{11, 0, unix.IFLA_INFO_SLAVE_KIND, 0, 'b', 'r', 'i', 'd', 'g', 'e', 0, 0,
		12, 0, unix.IFLA_INFO_SLAVE_DATA, 0, 5, 0, unix.IFLA_BRPORT_STATE, 0, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := netlab.ParseAttributes(b)
		total := 0
		for _, a := range all {
			total += a.Size()
		}
		if total > len(b) {
			t.Errorf("%d bytes of attributes in %d", total, len(b))
		}
		if err == nil && len(b) > 0 && len(all) == 0 {
			t.Error("neither attributes nor an error")
		}
		netlab.ParsePortState(b)
	})
}

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
