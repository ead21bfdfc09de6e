//go:build linux

package linux_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
)

// FuzzControl looks for control messages that make parseControl panic.
func FuzzControl(f *testing.F) {
	all := everything()
	f.Add(all)
	f.Add(all[:len(all)-1])
	f.Add(linux.AppendSource(netip.MustParseAddr("192.0.2.7"), 5, false))
	f.Add(linux.AppendControl(nil, unix.SOL_UDP, unix.UDP_GRO, native(-1)))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		p := kernel.Packet{Data: make([]byte, 100)}
		linux.ParseControl(b, &p)
		if !bytes.Equal(b, before) || len(p.Data) != 100 {
			t.Error("reading changed what was read")
		}
		if p.To.Is4In6() {
			t.Errorf("mapped destination %v", p.To)
		}
		total := 0
		for data, n := p.Data, p.Datagrams(); n > 0; n-- {
			var d []byte
			d, data = next(&p, data)
			total += len(d)
		}
		if total != 100 {
			t.Errorf("segments of %d: %d bytes of 100", p.Segment, total)
		}
	})
}

// next cuts one datagram off, as readers of packets do.
func next(p *kernel.Packet, data []byte) (d, rest []byte) {
	if p.Segment <= 0 || len(data) <= p.Segment {
		return data, nil
	}
	return data[:p.Segment], data[p.Segment:]
}

// FuzzRefusal looks for reports in the error queue that make refusal panic.
func FuzzRefusal(f *testing.F) {
	report := append(native(int(syscall.EHOSTUNREACH)), unix.SO_EE_ORIGIN_ICMP, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	f.Add(linux.AppendControl(nil, unix.SOL_IP, unix.IP_RECVERR, report))
	f.Add(linux.AppendControl(nil, unix.SOL_IPV6, unix.IPV6_RECVERR, report[:5]))
	f.Add(linux.AppendControl(nil, unix.SOL_IPV6, unix.IPV6_RECVERR, report[:4]))
	f.Fuzz(func(t *testing.T, b []byte) {
		if errno, ok := linux.ParseRefusal(b); !ok && errno != 0 {
			t.Errorf("no refusal, and errno %v", errno)
		}
	})
}

// FuzzSockaddr checks that every decoded address can be encoded, and is the same
// when it is decoded again.
func FuzzSockaddr(f *testing.F) {
	for _, a := range []string{"192.0.2.1:53", "[2001:db8::1]:53", "[::ffff:192.0.2.1]:53"} {
		b, err := linux.Encode(addr(a), true)
		check(f, err)
		f.Add(b)
		if addr(a).Addr().Is4() {
			b, err := linux.Encode(addr(a), false)
			check(f, err)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := linux.Decode(b)
		if a.Addr().Is4In6() {
			t.Errorf("mapped address %v", a)
		}
		if !a.IsValid() {
			return
		}
		written, err := linux.Encode(a, true)
		if a.Addr().Zone() != "" {
			if !errors.Is(err, syscall.ENODEV) {
				t.Errorf("%v has a zone that nobody knows: %v", a, err)
			}
			return
		}
		check(t, err)
		if again := linux.Decode(written); again != a {
			t.Errorf("%v became %v", a, again)
		}
	})
}

// FuzzZone checks that a zone is the name or number of an interface, or an error.
func FuzzZone(f *testing.F) {
	for _, zone := range []string{"lo", "1", "", "0", "nope0", "lo\x00x", "lo:x", "4294967297", "averylonginterfacename", "-1", "01"} {
		f.Add(zone)
	}
	if _, err := net.Interfaces(); err != nil {
		f.Skip(err) // as under qemu
	}
	c := loopback(f, "udp6")
	f.Fuzz(func(t *testing.T, zone string) {
		index, err := c.Index(zone)
		if err != nil {
			if index != 0 || !errors.Is(err, syscall.ENODEV) {
				t.Errorf("%q: %d, %v", zone, index, err)
			}
			return
		}
		if n, err := strconv.Atoi(zone); err == nil && n == index {
			return
		}
		if ifi, err := net.InterfaceByIndex(index); err != nil || ifi.Name != zone {
			t.Errorf("%q is interface %d: %v, %v", zone, index, ifi, err)
		}
	})
}
