package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-custom-lookup.js
func TestLookupIsForNames(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		lookup := looked("home", f.loopback)
		s := open(t, f.network, udp.WithLookup(lookup.lookup))
		ok(t, s.Bind(t.Context(), "home:0"))
		same(t, "address", at(t, s).Addr(), f.loopback)
		want := "ip4 home"
		if f.network == "udp6" {
			want = "ip home"
		}
		if asked := lookup.questions(); !slices.Equal(asked, []string{want}) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	})
}

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

func TestLookupsNetworkIsTheSocketsFamily(t *testing.T) {
	needIPv6(t)
	four, six := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()
	mapped := netip.MustParseAddr("::ffff:127.0.0.1")
	for _, c := range []struct {
		network string
		only    bool
		answers []netip.Addr
		asked   string
		want    netip.Addr // zero: ErrAddressFamily
	}{
		{"udp4", false, []netip.Addr{four}, "ip4 name", four},
		{"udp4", false, []netip.Addr{six, four}, "ip4 name", four},
		{"udp4", false, []netip.Addr{mapped}, "ip4 name", four},
		{"udp4", false, []netip.Addr{six}, "ip4 name", netip.Addr{}},
		{"udp6", false, []netip.Addr{six, four}, "ip name", four},
		{"udp6", false, []netip.Addr{four, six}, "ip name", four},
		{"udp6", true, []netip.Addr{four, six}, "ip6 name", six},
		{"udp6", true, []netip.Addr{four}, "ip6 name", netip.Addr{}},
		{"udp6", true, []netip.Addr{mapped}, "ip6 name", netip.Addr{}},
		{"udp", false, []netip.Addr{four}, "ip name", four},
		{"udp", false, []netip.Addr{six}, "ip name", six},
	} {
		t.Run(fmt.Sprint(c.network, c.only, c.answers), func(t *testing.T) {
			lookup := looked("name", c.answers...)
			opts := []udp.Option{udp.WithLookup(lookup.lookup)}
			if c.only {
				opts = append(opts, udp.WithIPv6Only())
			}
			s := open(t, c.network, opts...)
			a, err := s.Resolve(t.Context(), "name:9")
			if !c.want.IsValid() {
				fails(t, err, udp.ErrAddressFamily)
				shaped(t, err, "resolve", "name:9")
				fails(t, s.Connect(t.Context(), "name:9"), udp.ErrAddressFamily)
				fails(t, s.SendToHost(t.Context(), "name:9"), udp.ErrAddressFamily)
				fails(t, s.Bind(t.Context(), "name:9"), udp.ErrAddressFamily)
				unbound(t, s)
				return
			}
			ok(t, err)
			same(t, "address", a, netip.AddrPortFrom(c.want, 9))
			if asked := lookup.questions(); !slices.Equal(asked, []string{c.asked}) {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
		})
	}
}

func TestResolveKnowsServices(t *testing.T) {
	s := open(t, "udp4")
	want, err := net.DefaultResolver.LookupPort(t.Context(), "udp", "domain")
	if err != nil {
		t.Skip(err)
	}
	a, err := s.Resolve(t.Context(), ":domain")
	ok(t, err)
	same(t, "address", a, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(want)))
}

func TestEverySendToHostAsksAnew(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	lookup := looked("peer", f.loopback)
	s := open(t, f.network, udp.WithLookup(lookup.lookup))
	to := fmt.Sprint("peer:", of(peer).Port())
	for range 3 {
		ok(t, s.SendToHost(t.Context(), to, []byte("x")))
		hear(t, peer, "x")
	}
	same(t, "questions", len(lookup.questions()), 3)
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

// resolving are the calls that take an address as text, by the operation that their
// errors name.
var resolving = map[string]func(ctx context.Context, s *udp.Socket, address string) error{
	"bind":    func(ctx context.Context, s *udp.Socket, address string) error { return s.Bind(ctx, address) },
	"connect": func(ctx context.Context, s *udp.Socket, address string) error { return s.Connect(ctx, address) },
	"resolve": func(ctx context.Context, s *udp.Socket, address string) error {
		_, err := s.Resolve(ctx, address)
		return err
	},
	"send": func(ctx context.Context, s *udp.Socket, address string) error {
		return s.SendToHost(ctx, address, []byte("x"))
	},
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

// Each call that looks a name up ends with its context and with the socket, also where
// the lookup heeds neither. Nothing is opened, and nothing is on Errors.
//
// Upstream: parallel/test-dgram-close-during-bind.js
// Upstream: parallel/test-dgram-bind-socket-close-before-lookup.js
func TestALookupHoldsUpNeitherItsCallNorClose(t *testing.T) {
	for op, call := range resolving {
		for _, stubborn := range []bool{false, true} {
			t.Run(fmt.Sprint(op, " ", stubborn), func(t *testing.T) {
				asked, answer := make(chan struct{}, 1), make(chan struct{})
				defer close(answer)
				k := newSimKernel(t)
				s, err := udp.NewOn(k, "udp4", udp.WithLookup(func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
					asked <- struct{}{}
					if stubborn {
						<-answer
					}
					<-ctx.Done()
					return nil, errors.New("the resolver's own words")
				}))
				mine(t, s, err)
				fails(t, call(done(), s, "name:9"), context.Canceled)
				fails(t, call(nil, s, "name:9"), syscall.EINVAL)
				ctx, cancel := context.WithCancel(t.Context())
				waiting := later(func() error { return call(ctx, s, "name:9") })
				take(t, "lookup", asked)
				cancel()
				err, _ = take(t, op, waiting)
				fails(t, err, context.Canceled)
				waiting = later(func() error { return call(t.Context(), s, "name:9") })
				take(t, "lookup", asked)
				door(t, "Close", func() { ok(t, s.Close()) })
				err, _ = take(t, op, waiting)
				fails(t, err, net.ErrClosed)
				same(t, "sockets opened", len(k.all()), 0)
				empty(t, "listening", s.Listening())
				same(t, "errors", len(drained(t, "errors", s.Errors())), 0)
				ok(t, s.Err())
			})
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
		_, err := s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
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

// A name that is unknown, or has no address, is an error of the call alone: the socket is
// as it was.
//
// Upstream: parallel/test-dgram-send-cb-quelches-error.js
// Upstream: internet/test-dgram-connect.js
func TestAnUnknownNameIsAnErrorOfTheCallAlone(t *testing.T) {
	f := families()[0]
	for op, call := range resolving {
		lookup := looked("peer", f.loopback)
		lookup.known["empty"] = nil
		s := open(t, f.network, udp.WithLookup(lookup.lookup))
		for _, name := range []string{"nobody", "empty"} {
			err := call(t.Context(), s, name+":9")
			if dns, is := errors.AsType[*net.DNSError](err); !is || !dns.IsNotFound || dns.Name != name {
				t.Errorf("%s: %v", op, err)
			}
			shaped(t, err, op, name+":9")
			unbound(t, s)
			empty(t, "connected", s.Connected())
			same(t, "errors", s.Stats().Errors, 0)
		}
		ok(t, call(t.Context(), s, fmt.Sprint("peer:", deserted(t, f).Port())))
	}
}
