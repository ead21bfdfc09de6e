package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
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
