package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/dgram/internal/host"
	"example.com/dgram/udp"
)

// soon bounds what takes no time at all on a machine that is not busy.
const soon = 20 * time.Second

// A family is one kind of socket and its loopback.
type family struct {
	network  string
	loopback netip.Addr
}

// haveIPv6 reports whether the machine has IPv6. It asks once.
var haveIPv6 = sync.OnceValue(host.System{}.IPv6)

// families are those that the machine has.
func families() []family {
	both := []family{
		{"udp4", netip.AddrFrom4([4]byte{127, 0, 0, 1})},
		{"udp6", netip.IPv6Loopback()},
	}
	if !haveIPv6() {
		return both[:1]
	}
	return both
}

// each runs a test for each family.
func each(t *testing.T, f func(t *testing.T, f family)) {
	for _, fam := range families() {
		t.Run(fam.network, func(t *testing.T) { f(t, fam) })
	}
}

// local is "loopback:0".
func (f family) local() string { return netip.AddrPortFrom(f.loopback, 0).String() }

func needIPv6(t testing.TB) {
	t.Helper()
	if !haveIPv6() {
		t.Skip("the machine has no IPv6")
	}
}

// open makes an unbound socket that closes when the test ends.
func open(t testing.TB, network string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	s, err := udp.New(network, opts...)
	return mine(t, s, err)
}

// listen makes a bound socket that closes when the test ends.
func listen(t testing.TB, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	s, err := udp.Listen(t.Context(), network, address, opts...)
	return mine(t, s, err)
}

// dial makes a connected socket that closes when the test ends.
func dial(t testing.TB, network string, to netip.AddrPort, opts ...udp.Option) *udp.Socket {
	t.Helper()
	leakless(t)
	s, err := udp.Dial(t.Context(), network, to.String(), opts...)
	return mine(t, s, err)
}

// mine takes what a constructor returned. A system that lacks what the test
// is about skips it.
func mine(t testing.TB, s *udp.Socket, err error) *udp.Socket {
	t.Helper()
	supported(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// std is a socket of package net on loopback, to talk to.
func std(t testing.TB, f family) *net.UDPConn {
	t.Helper()
	leakless(t)
	c, err := net.ListenUDP(f.network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.loopback, 0)))
	ok(t, err)
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetReadDeadline(time.Now().Add(soon)))
	return c
}

// sendErrors returns the failures of SendBatch by index.
func sendErrors(err error) map[int]*udp.SendError {
	found := map[int]*udp.SendError{}
	if one, ok := errors.AsType[*udp.SendError](err); ok {
		found[one.Index] = one
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range all.Unwrap() {
			if one, ok := err.(*udp.SendError); ok {
				found[one.Index] = one
			}
		}
	}
	return found
}

// unbound checks that a socket has no address.
func unbound(t testing.TB, s *udp.Socket) {
	t.Helper()
	same(t, "LocalAddr", s.LocalAddr(), netip.AddrPort{})
}

// at is where others reach s: its address, on loopback if it has them all.
func at(t testing.TB, s *udp.Socket) netip.AddrPort {
	t.Helper()
	a := s.LocalAddr()
	return reachable(s.Network(), a)
}

func reachable(network string, a netip.AddrPort) netip.AddrPort {
	for _, f := range families() {
		if a.Addr().IsUnspecified() && f.network == network {
			return netip.AddrPortFrom(f.loopback, a.Port())
		}
	}
	return a
}

// of is the address of a socket of package net.
func of(c net.PacketConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// deserted is an address where nobody listens.
func deserted(t testing.TB, f family) netip.AddrPort {
	t.Helper()
	c := std(t, f)
	defer c.Close()
	return of(c)
}

// send sends payload to an address, or to the peer if the address is zero.
func send(t testing.TB, s *udp.Socket, to netip.AddrPort, payload string) {
	t.Helper()
	if to.IsValid() {
		ok(t, s.SendTo(t.Context(), to, []byte(payload)))
	} else {
		ok(t, s.Send(t.Context(), []byte(payload)))
	}
}

// tell sends payloads from a socket of package net.
func tell(t testing.TB, c *net.UDPConn, to netip.AddrPort, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		_, err := c.WriteToUDPAddrPort([]byte(p), to)
		ok(t, err)
	}
}

// next is the next message.
func next(t testing.TB, s *udp.Socket) udp.Message {
	t.Helper()
	m, open := take(t, "message", s.Messages())
	if !open {
		t.Fatalf("no message, the socket has ended: %v", s.Err())
	}
	return m
}

// expect expects messages, in order.
func expect(t testing.TB, s *udp.Socket, payloads ...string) {
	t.Helper()
	for _, want := range payloads {
		if got := string(next(t, s).Data); got != want {
			t.Fatalf("received %q, want %q", brief(got), brief(want))
		}
	}
}

// hear expects payloads at a socket of package net and returns where the last
// came from.
func hear(t testing.TB, c *net.UDPConn, payloads ...string) (from netip.AddrPort) {
	t.Helper()
	b := make([]byte, 65536)
	for _, want := range payloads {
		ok(t, c.SetReadDeadline(time.Now().Add(soon)))
		n, a, err := c.ReadFromUDPAddrPort(b)
		ok(t, err)
		if got := string(b[:n]); got != want {
			t.Fatalf("received %q, want %q", brief(got), brief(want))
		}
		from = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return from
}

func brief(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%s… (%d bytes)", s[:32], len(s))
	}
	return s
}

// received waits until Received counts n: it may lag behind by one read.
func received(t testing.TB, s *udp.Socket, n uint64) {
	t.Helper()
	eventually(t, "Received counts what was taken", func() bool { return s.Stats().Received >= n })
	same(t, "Received", s.Stats().Received, n)
}

// done is a context that is over.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// big is a payload of n bytes, all alike.
func big(n int) string { return strings.Repeat("x", n) }
