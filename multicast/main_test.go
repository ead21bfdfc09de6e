package multicast_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// TestMain runs the tests in a network namespace of their own, where the system
// has such a thing. As a child of a test, the binary is a member of a group.
func TestMain(m *testing.M) {
	if part, ok := os.LookupEnv(partVar); ok {
		if err := play(part); err != nil {
			fmt.Println("error:", err)
		}
		syscall.Exit(0) // os.Exit takes a second under the race detector
	}
	goleak.VerifyTestMain(netlab.Inside(m))
}

const patience = 10 * time.Second

var (
	group  = netip.MustParseAddr("239.1.2.3")
	other  = netip.MustParseAddr("239.1.2.4")
	local6 = netip.MustParseAddr("ff02::1:2:3") // confined to the link
	site6  = netip.MustParseAddr("ff05::1:2:3")
	ssm    = netip.MustParseAddr("232.1.2.3")
	ssm6   = netip.MustParseAddr("ff35::1:2:3")
)

// open makes a bound socket on a host.
func open(t *testing.T, h *netlab.Host, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s := netlab.On(h, func() (*udp.Socket, error) {
		return udp.Listen(context.Background(), network, address, opts...)
	})
	t.Cleanup(func() { s.Close() })
	return s
}

// here is open without a lab.
func here(t *testing.T, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// unbound makes a socket without an address.
func unbound(t *testing.T, network string) *udp.Socket {
	t.Helper()
	s, err := udp.New(network)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// join joins on a host.
func join(t *testing.T, h *netlab.Host, s *udp.Socket, g netip.Addr, opts ...multicast.Option) *multicast.Membership {
	t.Helper()
	return netlab.On(h, func() (*multicast.Membership, error) { return multicast.Join(s, g, opts...) })
}

// to is an address with the port of s.
func to(t *testing.T, a netip.Addr, s *udp.Socket) netip.AddrPort {
	t.Helper()
	local, err := s.LocalAddr()
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(a, local.Port())
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// say sends through an interface.
func say(t *testing.T, s *udp.Socket, iface string, a netip.AddrPort, text string) {
	t.Helper()
	if err := multicast.SendOn(t.Context(), s, iface, a, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// send sends where the system or the socket likes.
func send(t *testing.T, s *udp.Socket, a netip.AddrPort, text string) {
	t.Helper()
	if err := s.SendTo(t.Context(), a, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hears expects text to be the next datagram.
func hears(t *testing.T, s *udp.Socket, text string) udp.Message {
	t.Helper()
	select {
	case m, ok := <-s.Messages():
		if !ok {
			t.Fatalf("the socket has ended: %v", s.Err())
		}
		if string(m.Data) != text {
			t.Fatalf("heard %q, want %q", m.Data, text)
		}
		return m
	case <-time.After(patience):
		t.Fatalf("heard nothing, want %q", text)
	}
	return udp.Message{}
}

// until sends a datagram again and again until it is heard.
func until(t *testing.T, sender *udp.Socket, iface string, a netip.AddrPort, s *udp.Socket, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		say(t, sender, iface, a, text)
		select {
		case m := <-s.Messages():
			if string(m.Data) == text {
				return
			}
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%q was never heard", text)
		}
	}
}

// eventually waits for something that no channel tells.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// fails expects an error.
func fails(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// member tells whether the kernel knows of a member of g on an interface.
func member(t *testing.T, h *netlab.Host, iface string, g netip.Addr) bool {
	t.Helper()
	seen, err := h.Memberships(iface)
	must(t, err)
	return slices.Contains(seen, g)
}

// pair is two hosts with cables between them: eth0 to eth0, eth1 to eth1.
func pair(t *testing.T, cables int) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	a, b = lab.Host("a"), lab.Host("b")
	for i := range cables {
		name := fmt.Sprintf("eth%d", i)
		lab.Link(
			a.Port(name, fmt.Sprintf("10.0.%d.1/24", i), fmt.Sprintf("fd00:%d::1/64", i)),
			b.Port(name, fmt.Sprintf("10.0.%d.2/24", i), fmt.Sprintf("fd00:%d::2/64", i)))
	}
	return lab, a, b
}

// index is the index of an interface as text.
func index(t *testing.T, h *netlab.Host, name string) string {
	t.Helper()
	n, err := h.Index(name)
	must(t, err)
	return fmt.Sprint(n)
}
