package netlink_test

import (
	"bytes"
	"errors"
	"testing"

	"example.com/dgram/internal/netlink"
	"example.com/dgram/internal/posix"
)

// seeds adds what the tests of messages use, whole and cut off.
func seeds(f *testing.F, requests ...*netlink.Request) {
	for _, r := range requests {
		b := encode(f, r)
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(b, b...))
	}
}

func FuzzMessages(f *testing.F) {
	reason := answer(typeError, explained|capped, -1, 16)
	reason.String(1, "why")
	seeds(f, nested(), answer(typeDone, 0, 0, 0), answer(typeError, 0, -1, 32), reason)
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{0xff}, 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := netlink.ParseMessages(b)
		total := 0
		for _, m := range all {
			total += 16 + len(m.Data)
			var errno posix.Errno
			if err := m.Err(); err != nil && len(m.Data) >= 4 && !errors.As(err, &errno) {
				t.Errorf("error %v has no errno", err)
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

func FuzzAttributes(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{4, 0, 1, 0, 5, 0, 2, 0, 'x'})
	f.Add([]byte{3, 0, 1, 0})
	f.Add([]byte{0xff, 0xff, 1, 0})
	f.Add(encode(f, nested())[24:])
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := netlink.ParseAttributes(b)
		total := 0
		for _, a := range all {
			total += 4 + len(a.Value)
			if text := a.String(); len(text) > len(a.Value) {
				t.Errorf("%q in %q", text, a.Value)
			}
		}
		if total > len(b) {
			t.Errorf("%d bytes of attributes in %d", total, len(b))
		}
		if err == nil && len(b) > 0 && len(all) == 0 {
			t.Error("neither attributes nor an error")
		}
	})
}

func FuzzLink(f *testing.F) {
	forwarding := port("bridge", func(r *netlink.Request) { r.Bytes(1, []byte{3}) })
	for _, r := range []*netlink.Request{someLink(), forwarding} {
		f.Add(parse(f, r).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := netlink.ParseLink(netlink.Message{Data: data})
		if err == nil && len(data) < 16 {
			t.Errorf("%d bytes are %+v", len(data), l)
		}
		if forwards, err := l.Forwards(); forwards && err != nil {
			t.Errorf("forwards in spite of %v", err)
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add(parse(f, someAddress()).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := netlink.ParseAddress(netlink.Message{Data: data})
		if err != nil && a.IP.IsValid() || err == nil && a.Family != data[0] {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func FuzzRoute(f *testing.F) {
	f.Add(parse(f, someRoute()).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := netlink.ParseRoute(netlink.Message{Data: data})
		if err != nil && r.To.IsValid() || err == nil && r.Type != data[7] {
			t.Errorf("%+v, %v", r, err)
		}
		if r.To.IsValid() && r.To.Bits() > r.To.Addr().BitLen() {
			t.Errorf("prefix %v is too long", r.To)
		}
	})
}

func FuzzRequestsAreParsedAsTheyWereWritten(f *testing.F) {
	f.Add(uint16(16), uint16(3), []byte("eth0"), []byte{})
	f.Add(uint16(20), uint16(1), []byte{10, 0, 0, 1}, make([]byte, 7))
	f.Fuzz(func(t *testing.T, typ, attribute uint16, first, second []byte) {
		attribute &= 0x3fff
		r := netlink.NewRequest(typ, 0, uint32(7))
		r.Bytes(attribute, first)
		r.Nest(attribute, func() { r.Bytes(1, second) })
		b, err := r.Encode(0, 1)
		if err != nil {
			return // too long
		}
		all, err := netlink.ParseMessages(b)
		if err != nil || len(all) != 1 || all[0].Type != typ {
			t.Fatalf("messages %v, error %v", all, err)
		}
		attributes, err := all[0].Attributes(4)
		if err != nil || len(attributes) != 2 || !bytes.Equal(attributes[0].Value, first) {
			t.Fatalf("attributes %v, error %v", attributes, err)
		}
		inner, err := netlink.ParseAttributes(attributes[1].Value)
		if err != nil || len(inner) != 1 || inner[0].Type != 1 || !bytes.Equal(inner[0].Value, second) {
			t.Errorf("inner attributes %v, error %v", inner, err)
		}
	})
}
