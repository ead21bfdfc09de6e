package netlink_test

import (
	"bytes"
	"net/netip"
	"testing"

	"example.com/dgram/internal/netlink"
)

func someLink() *netlink.Request {
	r := netlink.NewRequest(16, 0, netlink.LinkHeader{Family: 7, Index: 3, Flags: 0x1043})
	r.String(3, "eth0")
	r.Bytes(1, []byte{2, 0, 0, 0, 0, 1})
	r.String(6, "fq")
	r.Bytes(16, []byte{6})
	return r
}

func TestLinksAreParsed(t *testing.T) {
	l, err := netlink.ParseLink(parse(t, someLink()))
	if err != nil || l.Family != 7 || l.Index != 3 || l.Flags != 0x1043 || l.Name != "eth0" ||
		!bytes.Equal(l.MAC, []byte{2, 0, 0, 0, 0, 1}) || l.Qdisc != "fq" || l.OperState != 6 {
		t.Errorf("%+v, %v", l, err)
	}
}

// port returns an interface that is a port of a device of some kind.
func port(kind string, attributes func(r *netlink.Request)) *netlink.Request {
	r := someLink()
	r.Nest(18, func() {
		r.String(4, kind)
		r.Nest(5, func() { attributes(r) })
	})
	return r
}

func TestPortsOfBridgesForwardInTheForwardingState(t *testing.T) {
	state := func(s byte) func(*netlink.Request) {
		return func(r *netlink.Request) { r.Bytes(1, []byte{s}) }
	}
	none := func(*netlink.Request) {}
	for _, c := range []struct {
		what     string
		request  *netlink.Request
		forwards bool
		fails    bool
	}{
		{"no port", someLink(), true, false},
		{"port of a bond", port("bond", none), true, false},
		{"forwarding", port("bridge", state(3)), true, false},
		{"learning", port("bridge", state(2)), false, false},
		{"no state", port("bridge", none), false, true},
	} {
		l, err := netlink.ParseLink(parse(t, c.request))
		if err != nil {
			t.Fatal(err)
		}
		if forwards, err := l.Forwards(); forwards != c.forwards || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.what, forwards, err)
		}
	}
}

func someAddress() *netlink.Request {
	r := netlink.NewRequest(20, 0, netlink.AddressHeader{Family: 10, PrefixLen: 64, Flags: 0x80, Index: 3})
	r.Bytes(1, netip.MustParseAddr("fe80::1").AsSlice())
	return r
}

func TestAddressesAreParsed(t *testing.T) {
	want := netlink.Address{Family: 10, Index: 3, Flags: 0x80, IP: netip.MustParseAddr("fe80::1")}
	r := someAddress()
	if a, err := netlink.ParseAddress(parse(t, r)); err != nil || a != want {
		t.Errorf("%+v, %v", a, err)
	}
	r.Uint32(8, 0x480) // all flags
	want.Flags = 0x480
	if a, err := netlink.ParseAddress(parse(t, r)); err != nil || a != want {
		t.Errorf("%+v, %v", a, err)
	}
}

func someRoute() *netlink.Request {
	r := netlink.NewRequest(24, 0, netlink.RouteHeader{Family: 2, DstLen: 8, RouteType: 2})
	r.Bytes(1, []byte{10, 0, 0, 0})
	r.Uint32(4, 3)
	return r
}

func TestRoutesAreParsed(t *testing.T) {
	want := netlink.Route{Family: 2, Type: 2, To: netip.MustParsePrefix("10.0.0.0/8"), Out: 3}
	if r, err := netlink.ParseRoute(parse(t, someRoute())); err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMessagesWithoutTheirFixedPartAreRefused(t *testing.T) {
	for size := range 16 {
		m := netlink.Message{Data: make([]byte, size)}
		if _, err := netlink.ParseLink(m); err == nil {
			t.Errorf("%d bytes are a link", size)
		}
		if _, err := netlink.ParseRoute(m); err == nil && size < 12 {
			t.Errorf("%d bytes are a route", size)
		}
		if _, err := netlink.ParseAddress(m); err == nil && size < 8 {
			t.Errorf("%d bytes are an address", size)
		}
	}
}
