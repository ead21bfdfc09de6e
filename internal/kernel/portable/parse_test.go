//go:build unix

package portable_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel/portable"
)

// everything has all control messages of an IPv6 datagram.
func everything() []byte {
	to := netip.MustParseAddr("2001:db8::1").As16()
	info := binary.NativeEndian.AppendUint32(to[:], 3)
	b := portable.Control(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, info)
	return append(b, portable.Control(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, binary.NativeEndian.AppendUint32(nil, 0x2a))...)
}

func TestControlMessagesAreRead(t *testing.T) {
	to, index, tos, foreign := portable.ParseControl(everything())
	if to.String() != "2001:db8::1" || index != 3 || tos != 0x2a || foreign {
		t.Errorf("got %v, %d, %#x, %v", to, index, tos, foreign)
	}
}

func TestACutOffControlMessageLosesOnlyWhatIsBehindIt(t *testing.T) {
	all := everything()
	known := false
	for n := range len(all) + 1 {
		to, _, _, _ := portable.ParseControl(all[:n])
		if known && !to.IsValid() {
			t.Fatalf("with %d bytes the destination is known, with %d it is not", n-1, n)
		}
		known = to.IsValid()
	}
	if !known {
		t.Error("the destination is never known")
	}
}

// FuzzControl looks for control messages that make parseControl panic.
func FuzzControl(f *testing.F) {
	all := everything()
	f.Add(all)
	f.Add(all[:len(all)-1])
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	for _, size := range []int{0, 1, 3, 4, 8, 11, 12, 20} {
		for kind := range 48 {
			f.Add(portable.Control(unix.IPPROTO_IP, kind, make([]byte, size)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if to, _, _, _ := portable.ParseControl(b); to.Is4In6() {
			t.Errorf("mapped destination %v", to)
		}
		if !bytes.Equal(b, before) {
			t.Error("reading changed what was read")
		}
	})
}
