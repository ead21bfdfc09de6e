package udp_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"

	"example.com/dgram/udp"
)

// FuzzBurst: whatever size the kernel says that the datagrams of a burst have,
// and however little room there is, each arrives once, whole or cut off where
// it should be.
func FuzzBurst(f *testing.F) {
	f.Add([]byte("abcdefghij"), uint16(3), uint16(65535), uint8(4))
	f.Add([]byte("abcdefghij"), uint16(5), uint16(2), uint8(0))
	f.Add([]byte{}, uint16(0), uint16(1), uint8(1))
	f.Add(make([]byte, 9000), uint16(1), uint16(65535), uint8(16))
	f.Add(make([]byte, 65507), uint16(1200), uint16(1199), uint8(255))
	f.Fuzz(func(t *testing.T, payload []byte, segment, limit uint16, room uint8) {
		payload = payload[:min(len(payload), 65507)]
		var datagrams [][]byte
		for rest := payload; segment > 0 && len(rest) > int(segment); {
			datagrams, rest = append(datagrams, rest[:segment]), rest[segment:]
			payload = rest
		}
		datagrams = append(datagrams, payload)
		synctest.Test(t, func(t *testing.T) {
			k := newSimKernel(t)
			s, err := udp.ListenOn(context.Background(), k, "udp4", "",
				udp.WithMaxDatagram(max(1, int(limit))), udp.WithMessageBuffer(int(room)))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			messages := s.Messages()
			k.only().arrive(simPacket{from: friend, to: simAddr, datagrams: datagrams})
			for i, d := range datagrams {
				m := <-messages
				cut := d[:min(len(d), max(1, int(limit)))]
				if !bytes.Equal(m.Data, cut) || m.Truncated != (len(cut) < len(d)) || m.From != friend {
					t.Fatalf("datagram %d of %d: %d bytes %v, truncated %v, want %d", i, len(datagrams), len(m.Data), m.Data, m.Truncated, len(cut))
				}
				m.Release()
			}
			synctest.Wait()
			if st := s.Stats(); int(st.Received) != len(datagrams) {
				t.Errorf("%d received, want %d", st.Received, len(datagrams))
			}
		})
	})
}

// FuzzAddress: an address is one that datagrams can be sent to, or a proper
// error; written out and read again it is the same.
func FuzzAddress(f *testing.F) {
	for _, a := range []string{
		"", ":0", ":1", "192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%lo]:53", "[fe80::1%nope]:53", "[::ffff:192.0.2.1]:53",
		"name:53", "name:domain", "192.0.2.1", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "[::]:99999999999999999999",
		"[::1", "::1:53", "192.0.2.1:53:53", "%:1", "[%lo]:1", "[192.0.2.1%lo]:1", "a\x00b:1",
	} {
		for n := range uint8(3) {
			f.Add(a, n)
		}
	}
	f.Fuzz(func(t *testing.T, address string, n uint8) {
		network := []string{"udp", "udp4", "udp6"}[n%3]
		asked := false
		lookup := func(context.Context, string, string) ([]netip.Addr, error) {
			asked = true
			return []netip.Addr{netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")}, nil
		}
		s, err := udp.NewOn(newSimKernel(t), network, udp.WithLookup(lookup))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		a, err := s.Resolve(context.Background(), address)
		if err != nil {
			var shaped *net.OpError
			if a != (netip.AddrPort{}) || !errors.As(err, &shaped) || err.Error() == "" {
				t.Errorf("%q: %v, %v", address, a, err)
			}
			return
		}
		if !a.IsValid() || a.Port() == 0 || a.Addr().Is4In6() || network == "udp4" && !a.Addr().Is4() {
			t.Errorf("%q on %s is %v", address, network, a)
		}
		asked = false
		if again, err := s.Resolve(context.Background(), a.String()); again != a || err != nil || asked {
			t.Errorf("%q is %v, and that is %v, %v", address, a, again, err)
		}
		bound, err := udp.ListenOn(context.Background(), newSimKernel(t), network, address, udp.WithLookup(lookup))
		if err != nil {
			t.Errorf("%q resolves to %v, and binds to %v", address, a, err)
			return
		}
		bound.Close()
	})
}
