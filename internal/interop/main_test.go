package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// Tests run in a network namespace of their own, where the system allows that.
// Goroutines that packages start before all tests are theirs to keep.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(netlab.Inside(m), goleak.IgnoreCurrent())
}

// soon bounds what takes no time at all on a machine that is not busy.
const soon = 30 * time.Second

// A side opens the connections on which a library runs.
type side struct {
	name   string
	listen func(t testing.TB, network, address string) net.PacketConn
}

// ours are views of dgram's sockets.
var ours = side{"dgram", func(t testing.TB, network, address string) net.PacketConn {
	return listen(t, network, address).PacketConn()
}}

// theirs are those of package net.
var theirs = side{"net", func(t testing.TB, network, address string) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}}

// listen opens a socket that is closed when the test ends.
func listen(t testing.TB, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// eachPair runs a test with our view on either side, and on both. On the other
// side is package net, so that both are known to understand each other.
func eachPair(t *testing.T, f func(t *testing.T, server, client side)) {
	for _, p := range [][2]side{{ours, ours}, {ours, theirs}, {theirs, ours}} {
		t.Run(fmt.Sprintf("server=%s,client=%s", p[0].name, p[1].name), func(t *testing.T) { f(t, p[0], p[1]) })
	}
}

// address is where c can be reached.
func address(t testing.TB, c net.PacketConn) netip.AddrPort {
	t.Helper()
	a, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		t.Fatalf("LocalAddr is a %T, want *net.UDPAddr", c.LocalAddr())
	}
	return a.AddrPort()
}

// local is where s can be reached on this machine.
func local(t testing.TB, s *udp.Socket) netip.AddrPort {
	t.Helper()
	a := s.LocalAddr()
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

// take waits for something from a channel.
func take[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case v, open := <-from:
		if !open {
			t.Fatalf("the channel is closed: %s", what)
		}
		return v
	case <-timer.C:
		t.Fatalf("waited in vain: %s", what)
		panic("not reached")
	}
}

// later runs f beside the test, for its error.
func later(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// fine waits for an error that must not be.
func fine(t testing.TB, what string, errs <-chan error) {
	t.Helper()
	if err := take(t, what, errs); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// must stops the test at an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// closed expects the socket of a view to have ended.
func closed(t testing.TB, c net.PacketConn) {
	t.Helper()
	if _, _, err := c.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after the end: %v, want net.ErrClosed", err)
	}
}

// only is a list of one address.
func only(a netip.Addr) udp.BlockList { return netip.PrefixFrom(a, a.BitLen()) }

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
