package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-default-lookup-ip.js
func TestLiteralsAreNotLookedUp(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		lookup := looked("home")
		peer := std(t, f)
		s := open(t, f.network, udp.WithLookup(lookup.lookup))
		ok(t, s.Bind(t.Context(), f.local()))
		ok(t, s.SendToHost(t.Context(), of(peer).String(), []byte("x")))
		ok(t, s.SendToHost(t.Context(), fmt.Sprint(":", of(peer).Port()), []byte("x")))
		_, err := s.Resolve(t.Context(), of(peer).String())
		ok(t, err)
		ok(t, s.Connect(t.Context(), of(peer).String()))
		if f.network == "udp4" {
			ok(t, s.Disconnect())
			err := s.Connect(t.Context(), "[::1]:9")
			fails(t, err, udp.ErrAddressFamily)
			_, err = s.Resolve(t.Context(), "[fe80::1%x]:9")
			fails(t, err, udp.ErrAddressFamily)
		}
		if asked := lookup.questions(); len(asked) > 0 {
			t.Errorf("looked up %q", asked)
		}
	})
}

// Without a host an address is loopback's, in the family of the socket.
//
// Upstream: parallel/test-dgram-udp6-send-default-host.js
func TestHostIsLoopbackOfTheFamily(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		address := fmt.Sprint(":", of(peer).Port())
		s := open(t, f.network)
		a, err := s.Resolve(t.Context(), address)
		ok(t, err)
		same(t, "address", a, of(peer))
		ok(t, s.SendToHost(t.Context(), address, []byte("x")))
		same(t, "sender", hear(t, peer, "x").Addr(), f.loopback)
		ok(t, s.Connect(t.Context(), address))
		same(t, "peer", s.RemoteAddr(), of(peer))
	})
}

// An address that cannot be is the same error of every call. Nothing is looked up for it,
// and nothing is bound.
//
// Upstream: parallel/test-dgram-connect.js
func TestABadAddressIsAnErrorOfEveryCall(t *testing.T) {
	for op, call := range resolving {
		for _, c := range []struct {
			network, address string
			want             error
		}{
			{"udp4", "127.0.0.1:65536", udp.ErrBadPort},
			{"udp4", "127.0.0.1:-1", udp.ErrBadPort},
			{"udp4", "127.0.0.1:1.5", udp.ErrBadPort},
			{"udp4", "127.0.0.1:99999999999999999999", udp.ErrBadPort},
			{"udp4", "127.0.0.1:no-such-service", udp.ErrBadPort},
			{"udp", "127.0.0.1:65536", udp.ErrBadPort},
			{"udp6", "[::1]:65536", udp.ErrBadPort},
			{"udp4", "", udp.ErrBadPort},
			{"udp4", ":0", udp.ErrBadPort},
			{"udp4", "127.0.0.1:", udp.ErrBadPort},
			{"udp4", "127.0.0.1:0", udp.ErrBadPort},
			{"udp4", "[::1]:9", udp.ErrAddressFamily},
			{"udp4", "127.0.0.1", nil},
			{"udp4", "[::1", nil},
			{"udp4", "::1:9", nil},
			{"udp4", "a:b:9", nil},
			{"udp4", "127.0.0.1:9:9", nil},
		} {
			if port := strings.TrimPrefix(c.address, "127.0.0.1"); op == "bind" && (port == ":0" || port == ":" || c.address == "") {
				continue // a port of the system's choice
			}
			lookup := looked("nobody")
			s := open(t, c.network, udp.WithLookup(lookup.lookup))
			err := call(t.Context(), s, c.address)
			if _, malformed := errors.AsType[*net.AddrError](err); c.want == nil && !malformed {
				t.Errorf("%s %q: %v, want a *net.AddrError", op, c.address, err)
			}
			if c.want != nil {
				fails(t, err, c.want)
			}
			shaped(t, err, op, c.address)
			same(t, "lookups", len(lookup.questions()), 0)
			unbound(t, s)
		}
	}
}

// A zone is an interface, by name or by number. Nothing is bound for one that is unknown.
//
// Upstream: parallel/test-dgram-bind-sync.js
func TestAZoneIsAnInterface(t *testing.T) {
	needIPv6(t)
	lo := loopbackInterface(t)
	for _, zone := range []string{lo.Name, fmt.Sprint(lo.Index)} {
		s := open(t, "udp6")
		a, err := s.Resolve(t.Context(), "[fe80::1%"+zone+"]:9")
		ok(t, err)
		same(t, "zone", a.Addr().Zone(), zone)
		ok(t, s.Bind(t.Context(), "[::1%"+zone+"]:0"))
	}
	for _, zone := range []string{"no-such-zone", "4294967295", "99999"} {
		s := open(t, "udp6")
		to := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 9)
		_, err := udp.Resolve(t.Context(), "udp6", to.String())
		fails(t, err, syscall.ENODEV)
		bound := listen(t, "udp6", "[::]:0")
		loopback := netip.AddrPortFrom(netip.IPv6Loopback(), 9)
		_, err = bound.SendBatch(t.Context(), []udp.Datagram{{To: loopback, From: netip.IPv6Loopback().WithZone(zone)}})
		fails(t, err, syscall.ENODEV)
		fails(t, bound.Reply(t.Context(), udp.Message{From: loopback, To: to.Addr()}), syscall.ENODEV)
		_, err = s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
		fails(t, err, syscall.ENODEV)
		_, err = s.Resolve(t.Context(), to.String())
		fails(t, err, syscall.ENODEV)
		for op, err := range map[string]error{
			"send":    s.SendTo(t.Context(), to),
			"connect": s.Connect(t.Context(), to.String()),
			"bind":    s.Bind(t.Context(), netip.AddrPortFrom(to.Addr(), 0).String()),
		} {
			fails(t, err, syscall.ENODEV)
			shaped(t, err, op, zone)
		}
		unbound(t, s)
	}
}
