package multicast_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// For any arguments Join succeeds, or returns an error of net's form that names the
// fault. A group that it has joined can be left.
func FuzzJoin(f *testing.F) {
	f.Add([]byte{239, 1, 2, 3}, "127.0.0.1", []byte{})
	f.Add([]byte{232, 1, 2, 3}, "lo", []byte{127, 0, 0, 1})
	f.Add(local6.AsSlice(), "::%lo", []byte{})
	f.Add([]byte("0123456789\xff\xffabcd"), "1", []byte{0, 0, 0, 0})
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xef\x01\x02\x03"), "fe80::1%1", []byte{})
	f.Add([]byte{224, 0, 0, 1}, "a name longer than any interface has", []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, group []byte, iface string, source []byte) {
		g, _ := netip.AddrFromSlice(group)
		src, _ := netip.AddrFromSlice(source)
		opts := with(multicast.On(iface))
		if len(source) > 0 {
			opts = append(opts, multicast.From(src))
		}
		s, err := udp.New("udp")
		must(t, err)
		defer s.Close()
		m, err := multicast.Join(s, g, opts...)
		if err != nil {
			if _, ok := errors.AsType[*net.OpError](err); !ok || m != nil {
				t.Errorf("%T: %v, %v", err, err, m)
			}
			return
		}
		if m.Group() != g.Unmap() || !m.Group().IsMulticast() {
			t.Errorf("joined %v, not %v", m.Group(), g)
		}
		must(t, multicast.Leave(s, g, opts...))
	})
}
