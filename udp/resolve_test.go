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

// Upstream: parallel/test-dgram-custom-lookup.js
func TestNilLookupIsAnError(t *testing.T) {
	_, err := udp.New("udp4", udp.WithLookup(nil))
	fails(t, err, syscall.EINVAL)
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

func TestResolveRejectsBadAddresses(t *testing.T) {
	s := open(t, "udp4", udp.WithLookup(looked("x").lookup))
	for address, want := range map[string]error{
		"":                udp.ErrBadPort,
		":0":              udp.ErrBadPort,
		"127.0.0.1:0":     udp.ErrBadPort,
		"127.0.0.1:65536": udp.ErrBadPort,
		"127.0.0.1:-5":    udp.ErrBadPort,
		"127.0.0.1:":      udp.ErrBadPort,
		"127.0.0.1:1.5":   udp.ErrBadPort,
		"[::1]:9":         udp.ErrAddressFamily,
	} {
		_, err := s.Resolve(t.Context(), address)
		fails(t, err, want)
		shaped(t, err, "resolve", address)
	}
	for _, address := range []string{"127.0.0.1", "::1", "[::1", "a:b:9", "127.0.0.1:9:9"} {
		_, err := s.Resolve(t.Context(), address)
		var bad *net.AddrError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v, want a *net.AddrError", address, err)
		}
	}
	_, err := s.Resolve(done(), "127.0.0.1:9")
	fails(t, err, context.Canceled)
	_, err = s.Resolve(nil, "127.0.0.1:9")
	fails(t, err, syscall.EINVAL)
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

func TestResolveWithoutHostIsLoopback(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		a, err := open(t, f.network).Resolve(t.Context(), ":9")
		ok(t, err)
		same(t, "address", a, netip.AddrPortFrom(f.loopback, 9))
	})
}

func TestResolveKnowsLocalhost(t *testing.T) {
	s := open(t, "udp4")
	a, err := s.Resolve(t.Context(), "localhost:9")
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		t.Skip(err)
	}
	ok(t, err)
	same(t, "address", a.Addr().IsLoopback() && a.Addr().Is4(), true)
}

func TestLookupWithoutAnswersIsNotFound(t *testing.T) {
	s := open(t, "udp4", udp.WithLookup(looked("name").lookup))
	_, err := s.Resolve(t.Context(), "name:9")
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound || dns.Name != "name" {
		t.Errorf("%v", err)
	}
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

// Upstream: parallel/test-dgram-send-cb-quelches-error.js
func TestLookupErrorGoesToTheCallerAlone(t *testing.T) {
	s := open(t, "udp4", udp.WithLookup(looked("somebody").lookup))
	err := s.SendToHost(t.Context(), "nobody:9", []byte("x"))
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		t.Fatalf("%v, want a *net.DNSError", err)
	}
	shaped(t, err, "send", "nobody:9")
	empty(t, "errors", s.Errors())
	same(t, "errors", s.Stats().Errors, 0)
}

// A lookup that does not heed its context holds nobody up.
func TestStubbornLookupHoldsNobodyUp(t *testing.T) {
	leakless(t)
	release := make(chan struct{})
	defer close(release)
	asked := make(chan struct{}, 8)
	s := open(t, "udp4", udp.WithLookup(func(context.Context, string, string) ([]netip.Addr, error) {
		asked <- struct{}{}
		<-release
		return nil, errors.New("too late")
	}))
	ctx, cancel := context.WithCancel(t.Context())
	sent := later(func() error { return s.SendToHost(ctx, "name:9", []byte("x")) })
	take(t, "lookup", asked)
	cancel()
	err, _ := take(t, "SendToHost", sent)
	fails(t, err, context.Canceled)

	resolved := later(func() error { _, err := s.Resolve(t.Context(), "name:9"); return err })
	take(t, "lookup", asked)
	door(t, "Close", func() { s.Close() })
	err, _ = take(t, "Resolve", resolved)
	fails(t, err, net.ErrClosed)
}

func TestZoneByNameAndByNumber(t *testing.T) {
	needIPv6(t)
	lo := loopbackInterface(t)
	s := open(t, "udp6")
	for _, zone := range []string{lo.Name, fmt.Sprint(lo.Index)} {
		a, err := s.Resolve(t.Context(), "[fe80::1%"+zone+"]:9")
		ok(t, err)
		same(t, "zone", a.Addr().Zone(), zone)
	}
	for _, zone := range []string{"no-such-zone", "4294967295", "99999"} {
		to := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 9)
		err := s.SendTo(t.Context(), to, []byte("x"))
		fails(t, err, syscall.ENODEV)
		shaped(t, err, "send", zone)
		fails(t, open(t, "udp6").Connect(t.Context(), to.String()), syscall.ENODEV)
		fails(t, open(t, "udp6").Bind(t.Context(), netip.AddrPortFrom(to.Addr(), 0).String()), syscall.ENODEV)
		_, err = s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
		fails(t, err, syscall.ENODEV)
	}
}
