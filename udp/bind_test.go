package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-address.js
func TestLocalAddrIsWhereTheSocketIsBound(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := open(t, f.network)
		unbound(t, s)

		ok(t, s.Bind(t.Context(), f.local()))
		a := s.LocalAddr()
		same(t, "address", a.Addr(), f.loopback)
		if a.Port() == 0 {
			t.Error("port is 0")
		}
		same(t, "network", s.Network(), f.network)
	})
}

// Upstream: parallel/test-dgram-bind-default-address.js
func TestBindWithoutAddressIsEveryInterface(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for _, address := range []string{"", ":0", ":"} {
			s := listen(t, f.network, address)
			a := s.LocalAddr()
			if !a.Addr().IsUnspecified() || a.Port() == 0 || a.Addr().Is4() != (f.network == "udp4") {
				t.Errorf("bound to %q: %v", address, a)
			}
		}
	})
}

// Upstream: parallel/test-dgram-bind.js
func TestSecondBindFails(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	before := at(t, s)
	for _, address := range []string{"127.0.0.1:0", "127.0.0.1:bad port", "no such host:1", ""} {
		err := s.Bind(t.Context(), address)
		fails(t, err, udp.ErrAlreadyBound)
		shaped(t, err, "bind", address)
	}
	same(t, "address", at(t, s), before)
	send(t, s, before, "still here")
	expect(t, s, "still here")
}

// Upstream: parallel/test-dgram-bind-sync.js
// Upstream: parallel/test-dgram-listen-after-bind.js
func TestBindIsSynchronous(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := open(t, f.network)
		listening := s.Listening()
		empty(t, "listening", listening)
		ctx, cancel := context.WithCancel(t.Context())
		ok(t, s.Bind(ctx, f.local()))
		cancel() // it was the call's, not the socket's
		ended(t, "listening", listening)
		ended(t, "listening, asked for later", s.Listening())
		send(t, s, at(t, s), "alive")
		expect(t, s, "alive")
	})
}

func loopbackInterface(t testing.TB) net.Interface {
	t.Helper()
	if netlab.Swapped() {
		t.Skip("an emulator of the other byte order lists no interfaces")
	}
	all, err := net.Interfaces()
	ok(t, err)
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i
		}
	}
	t.Skip("no loopback interface")
	return net.Interface{}
}

// Upstream: parallel/test-dgram-bind-error-repeat.js
// Upstream: parallel/test-dgram-bind-error-callback.js
func TestFailedBindLeavesTheSocketAsItWas(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		taken := at(t, listen(t, f.network, f.local())).String()
		s := open(t, f.network, udp.WithErrorBuffer(0))
		before := descriptors()
		for range 20 {
			err := s.Bind(t.Context(), taken)
			fails(t, err, syscall.EADDRINUSE)
			shaped(t, err, "bind", taken)
		}
		same(t, "descriptors", len(descriptors()), len(before))
		unbound(t, s)
		empty(t, "listening", s.Listening())
		same(t, "errors seen outside a call", s.Stats().Errors, 0)
		ok(t, s.Bind(t.Context(), f.local()))
		send(t, s, at(t, s), "at last")
		expect(t, s, "at last")
	})
}

// Upstream: parallel/test-dgram-error-message-address.js
// Upstream: parallel/test-dgram-cluster-bind-error.js
func TestBindErrorNamesTheAddress(t *testing.T) {
	for _, c := range []struct{ network, address string }{
		{"udp4", "192.0.2.1:0"},
		{"udp6", "[2001:db8::1]:0"},
	} {
		t.Run(c.network, func(t *testing.T) {
			if c.network == "udp6" {
				needIPv6(t)
			}
			if other, err := net.ListenPacket(c.network, c.address); err == nil {
				other.Close()
				t.Skipf("this system binds to %s, an address of another machine", c.address)
			}
			s := open(t, c.network)
			err := s.Bind(t.Context(), c.address)
			fails(t, err, syscall.EADDRNOTAVAIL)
			shaped(t, err, "bind", c.address)
			var op *net.OpError
			if errors.As(err, &op); op.Net != c.network || op.Addr == nil || op.Addr.String() != c.address {
				t.Errorf("%#v", op)
			}
		})
	}
}

// Upstream: parallel/test-dgram-createSocket-type.js
func TestBadNetworkIsAnError(t *testing.T) {
	for _, network := range []string{"", "tcp", "udp5", "UDP4", "unixgram", "ip", "udp4 "} {
		_, err := udp.New(network)
		fails(t, err, net.UnknownNetworkError(network))
		shaped(t, err, "socket", network)
		_, err = udp.Listen(t.Context(), network, ":0")
		fails(t, err, net.UnknownNetworkError(network))
		_, err = udp.Dial(t.Context(), network, "127.0.0.1:9")
		fails(t, err, net.UnknownNetworkError(network))
	}
}

// A "udp" socket settles on a family with the first address that it is given.
func TestUDPSettlesOnAFamily(t *testing.T) {
	needIPv6(t)
	bind := func(address string) func(*udp.Socket) error {
		return func(s *udp.Socket) error { return s.Bind(t.Context(), address) }
	}
	names := &names{known: map[string][]netip.Addr{
		"four": {netip.MustParseAddr("127.0.0.1")},
		"six":  {netip.IPv6Loopback()},
	}}
	for what, c := range map[string]struct {
		first   func(*udp.Socket) error
		network string
		dual    bool
	}{
		"an IPv4 literal":            {bind("127.0.0.1:0"), "udp4", false},
		"a mapped literal":           {bind("[::ffff:127.0.0.1]:0"), "udp4", false},
		"every IPv4 interface":       {bind("0.0.0.0:0"), "udp4", false},
		"an IPv6 literal":            {bind("[::1]:0"), "udp6", false},
		"every interface":            {bind(":0"), "udp6", true},
		"every interface, written":   {bind("[::]:0"), "udp6", true},
		"nothing":                    {bind(""), "udp6", true},
		"a peer":                     {func(s *udp.Socket) error { return s.Connect(t.Context(), "127.0.0.1:9") }, "udp4", false},
		"a peer in IPv6":             {func(s *udp.Socket) error { return s.Connect(t.Context(), "[::1]:9") }, "udp6", false},
		"a destination":              {func(s *udp.Socket) error { return s.SendTo(t.Context(), netip.MustParseAddrPort("127.0.0.1:9")) }, "udp4", false},
		"a destination by name":      {func(s *udp.Socket) error { return s.SendToHost(t.Context(), "four:9") }, "udp6", true},
		"a destination by six":       {func(s *udp.Socket) error { return s.SendToHost(t.Context(), "six:9") }, "udp6", true},
		"an IPv4 destination's text": {func(s *udp.Socket) error { return s.SendToHost(t.Context(), "127.0.0.1:9") }, "udp4", false},
		"a queue":                    {func(s *udp.Socket) error { s.Outbox(); return nil }, "udp6", true},
	} {
		t.Run(what, func(t *testing.T) {
			s := open(t, "udp", udp.WithLookup(names.lookup))
			ok(t, c.first(s))
			same(t, "network", s.Network(), c.network)
			if c.dual {
				a := s.LocalAddr()
				from := std(t, families()[0])
				tell(t, from, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), a.Port()), "four")
				same(t, "sender", next(t, s).From, of(from))
			}
		})
	}
}

func TestUDPIsDualStackWhereTheMachineHasIPv6(t *testing.T) {
	needIPv6(t)
	s := listen(t, "udp", ":0")
	port := at(t, s).Port()
	for _, f := range families() {
		from := std(t, f)
		tell(t, from, netip.AddrPortFrom(f.loopback, port), f.network)
		m := next(t, s)
		same(t, "payload", string(m.Data), f.network)
		same(t, "sender", m.From, of(from))
		same(t, "destination", m.To, f.loopback)
		ok(t, s.Reply(t.Context(), m, []byte("back")))
		same(t, "reply's sender", hear(t, from, "back"), netip.AddrPortFrom(f.loopback, port))
	}
}

func TestUDPIsIPv4WhereTheMachineHasNoIPv6(t *testing.T) {
	k := newSimKernel(t)
	k.noIPv6 = true
	for _, address := range []string{":0", "127.0.0.1:0"} {
		s, err := udp.ListenOn(t.Context(), k, "udp", address)
		same(t, "network", mine(t, s, err).Network(), "udp4")
	}
}

// One Bind waits for the other, and one of them wins.
func TestConcurrentBindsHaveOneWinner(t *testing.T) {
	s := open(t, "udp4")
	results := make(chan error, 16)
	concurrently(cap(results), func(int) { results <- s.Bind(t.Context(), "127.0.0.1:0") })
	won := 0
	for range cap(results) {
		if err := <-results; err == nil {
			won++
		} else {
			fails(t, err, udp.ErrAlreadyBound)
		}
	}
	same(t, "winners", won, 1)
}

// Upstream: sequential/test-dgram-bind-shared-ports.js
func TestPortIsNotSharedUnasked(t *testing.T) {
	first := spawn(t, "hold udp4 127.0.0.1:0")
	taken := first.address().String()
	_, err := udp.Listen(t.Context(), "udp4", taken)
	fails(t, err, syscall.EADDRINUSE)
	shaped(t, err, "bind", taken)
	second := spawn(t, "hold udp4 "+taken)
	second.says("error:")
}
