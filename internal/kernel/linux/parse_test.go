//go:build linux

package linux_test

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
)

// native is an int as the kernel writes it.
func native(v int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

// pktinfo is struct in_pktinfo: interface, our address, destination.
func pktinfo(index int, ours, to string) []byte {
	b := native(index)
	b = append(b, netip.MustParseAddr(ours).AsSlice()...)
	return append(b, netip.MustParseAddr(to).AsSlice()...)
}

// pktinfo6 is struct in6_pktinfo: destination, interface.
func pktinfo6(to string, index int) []byte {
	a := netip.MustParseAddr(to).As16()
	return append(a[:], native(index)...)
}

// timespec is struct timespec in the width of the machine.
func timespec(sec, nsec int64) []byte {
	if unix.SizeofPtr == 4 {
		return append(native(int(sec)), native(int(nsec))...)
	}
	b := binary.NativeEndian.AppendUint64(nil, uint64(sec))
	return binary.NativeEndian.AppendUint64(b, uint64(nsec))
}

// everything has all control messages that one datagram can bring: an IPv4 datagram
// on a dual-stack socket that asked for all.
func everything() []byte {
	b := linux.AppendControl(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, timespec(1700000000, 123456789))
	b = linux.AppendControl(b, unix.SOL_IP, unix.IP_PKTINFO, pktinfo(3, "192.0.2.1", "192.0.2.255"))
	b = linux.AppendControl(b, unix.SOL_IP, unix.IP_TOS, []byte{0x2a})
	b = linux.AppendControl(b, unix.SOL_IPV6, unix.IPV6_PKTINFO, pktinfo6("::ffff:192.0.2.255", 3))
	b = linux.AppendControl(b, unix.SOL_IPV6, unix.IPV6_TCLASS, native(0x2a))
	return linux.AppendControl(b, unix.SOL_UDP, unix.UDP_GRO, native(1200))
}

func TestControlMessagesAreRead(t *testing.T) {
	var p kernel.Packet
	linux.ParseControl(everything(), &p)
	want := kernel.Packet{
		Segment: 1200, To: netip.MustParseAddr("192.0.2.255"), Interface: 3,
		Time: time.Unix(1700000000, 123456789), TOS: 0x2a, NonUnicastDst: true,
	}
	if p.Segment != want.Segment || p.To != want.To || p.Interface != want.Interface || !p.Time.Equal(want.Time) || p.TOS != want.TOS || p.NonUnicastDst != want.NonUnicastDst {
		t.Errorf("got %+v, want %+v", p, want)
	}
}

// A kernel without SO_TIMESTAMPNS has SO_TIMESTAMP, in microseconds.
func TestReceiveTimesInMicrosecondsAreRead(t *testing.T) {
	var p kernel.Packet
	linux.ParseControl(linux.AppendControl(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMP, timespec(1700000000, 123456)), &p)
	if want := time.Unix(1700000000, 123456000); !p.Time.Equal(want) {
		t.Errorf("time %v, want %v", p.Time, want)
	}
}

func TestIPv6ControlMessagesAreRead(t *testing.T) {
	b := linux.AppendControl(nil, unix.SOL_IPV6, unix.IPV6_PKTINFO, pktinfo6("ff02::1", 7))
	b = linux.AppendControl(b, unix.SOL_IPV6, unix.IPV6_TCLASS, native(0xb8))
	var p kernel.Packet
	linux.ParseControl(b, &p)
	if p.To != netip.MustParseAddr("ff02::1") || p.Interface != 7 || p.TOS != 0xb8 || !p.NonUnicastDst {
		t.Errorf("got %+v", p)
	}
}

// A control message that is cut off, as MSG_CTRUNC reports, spoils itself and the
// messages behind it alone.
func TestACutOffControlMessageLosesOnlyWhatIsBehindIt(t *testing.T) {
	all := everything()
	var last kernel.Packet
	for n := range len(all) + 1 {
		var p kernel.Packet
		linux.ParseControl(all[:n], &p)
		if last.To.IsValid() && p.To != last.To || !last.Time.IsZero() && !p.Time.Equal(last.Time) {
			t.Fatalf("with %d bytes %+v is known, with %d %+v", n-1, last, n, p)
		}
		last = p
	}
	if last.Segment != 1200 {
		t.Errorf("with all of them %+v is known", last)
	}
}

// Unknown control messages, and known ones of a wrong size, are ignored.
func TestUnknownControlMessagesArePassedOver(t *testing.T) {
	for _, size := range []int{0, 1, 3, 7, 200} {
		var b []byte
		for _, kind := range [][2]int{
			{4711, 4712}, {unix.SOL_IP, unix.IP_PKTINFO}, {unix.SOL_IPV6, unix.IPV6_PKTINFO},
			{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}, {unix.SOL_UDP, unix.UDP_GRO}, {unix.SOL_IPV6, unix.IPV6_TCLASS},
		} {
			if size < 200 || kind[0] == 4711 {
				b = linux.AppendControl(b, kind[0], kind[1], make([]byte, min(size, 3+kind[0]/1000*200)))
			}
		}
		b = linux.AppendControl(b, unix.SOL_IP, unix.IP_TOS, []byte{9})
		var p kernel.Packet
		linux.ParseControl(b, &p)
		if p.TOS != 9 || p.To.IsValid() || p.Segment != 0 || !p.Time.IsZero() {
			t.Errorf("behind unknown ones of %d bytes: %+v", size, p)
		}
	}
}

func TestARefusalIsRead(t *testing.T) {
	for _, c := range []struct {
		origin byte
		want   bool
	}{{unix.SO_EE_ORIGIN_ICMP, true}, {unix.SO_EE_ORIGIN_ICMP6, true}, {unix.SO_EE_ORIGIN_LOCAL, false}} {
		report := append(native(int(syscall.ECONNREFUSED)), c.origin, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		b := linux.AppendControl(nil, unix.SOL_SOCKET, 99, []byte("before"))
		b = linux.AppendControl(b, unix.SOL_IP, unix.IP_RECVERR, report)
		if errno, ok := linux.ParseRefusal(b); ok != c.want || ok && errno != syscall.ECONNREFUSED {
			t.Errorf("origin %d: %v, %v", c.origin, errno, ok)
		}
	}
}

// The control message for the source of a reply has the form in which the kernel
// reports a destination.
func TestTheSourceIsWrittenAsItIsRead(t *testing.T) {
	for _, c := range []struct {
		from  string
		inet6 bool
	}{{"2001:db8::1", true}, {"fe80::1", true}} {
		var p kernel.Packet
		linux.ParseControl(linux.AppendSource(netip.MustParseAddr(c.from), 5, c.inet6), &p)
		if p.To.String() != c.from || p.Interface != 5 {
			t.Errorf("%s became %+v", c.from, p)
		}
	}
	b := linux.AppendSource(netip.MustParseAddr("192.0.2.7"), 5, false)
	if ours := netip.AddrFrom4([4]byte(b[unix.CmsgLen(4):])); ours.String() != "192.0.2.7" {
		t.Errorf("192.0.2.7 became %v", ours)
	}
}

func TestAddressesAreDecodedAsTheyWereEncoded(t *testing.T) {
	for _, a := range []netip.AddrPort{addr("192.0.2.1:53"), addr("[2001:db8::1]:65535"), addr("0.0.0.0:0"), addr("[::]:258")} {
		for _, inet6 := range []bool{true, false} {
			if !inet6 && a.Addr().Is6() {
				continue
			}
			b, err := linux.Encode(a, inet6)
			check(t, err)
			if got := linux.Decode(b); got != a {
				t.Errorf("%v on IPv6 %v became %v", a, inet6, got)
			}
		}
	}
}

func TestABurstIsCutIntoItsDatagrams(t *testing.T) {
	for _, c := range []struct{ size, segment, want int }{
		{0, 0, 1}, {0, 10, 1}, {9, 10, 1}, {10, 10, 1}, {11, 10, 2}, {20, 10, 2}, {65535, 1, 65535}, {10, -1, 1},
	} {
		p := kernel.Packet{Data: make([]byte, c.size), Segment: c.segment}
		if n := p.Datagrams(); n != c.want {
			t.Errorf("%d bytes in segments of %d are %d datagrams, want %d", c.size, c.segment, n, c.want)
		}
	}
}
