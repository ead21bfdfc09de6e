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

// A station is a socket and the host that it is on. Off Linux' own path,
// interfaces are looked for where the calling goroutine is, so calls that name
// one are made there.
type station struct {
	*udp.Socket
	host *netlab.Host // nil for that of the test
}

func (s station) do(t *testing.T, f func() error) error {
	t.Helper()
	if s.host == nil {
		return f()
	}
	var err error
	must(t, s.host.Do(func() error { err = f(); return nil }))
	return err
}

// open makes a bound socket on a host.
func open(t *testing.T, h *netlab.Host, network, address string, opts ...udp.Option) station {
	t.Helper()
	s := netlab.On(h, func() (*udp.Socket, error) {
		return udp.Listen(context.Background(), network, address, opts...)
	})
	t.Cleanup(func() { s.Close() })
	return station{s, h}
}

// here is open without a lab.
func here(t *testing.T, network, address string, opts ...udp.Option) station {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return station{Socket: s}
}

// unbound makes a socket without an address.
func unbound(t *testing.T, h *netlab.Host, network string) station {
	t.Helper()
	s, err := udp.New(network)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return station{s, h}
}

// enter joins.
func (s station) enter(t *testing.T, g netip.Addr, opts ...multicast.Option) (m *multicast.Membership, err error) {
	t.Helper()
	err = s.do(t, func() (err error) { m, err = multicast.Join(s.Socket, g, opts...); return err })
	return m, err
}

// leave leaves.
func (s station) leave(t *testing.T, g netip.Addr, opts ...multicast.Option) error {
	t.Helper()
	return s.do(t, func() error { return multicast.Leave(s.Socket, g, opts...) })
}

// join joins, or the test ends.
func join(t *testing.T, s station, g netip.Addr, opts ...multicast.Option) *multicast.Membership {
	t.Helper()
	m, err := s.enter(t, g, opts...)
	supported(t, err)
	return m
}

// on is where m is joined.
func on(t *testing.T, s station, m *multicast.Membership) (names []string) {
	t.Helper()
	must(t, s.do(t, func() error { names = m.Interfaces(); return nil }))
	return names
}

// quit leaves.
func quit(t *testing.T, s station, m *multicast.Membership) {
	t.Helper()
	must(t, s.do(t, m.Leave))
}

// to is an address with the port of s.
func to(t *testing.T, a netip.Addr, s station) netip.AddrPort {
	t.Helper()
	local := s.LocalAddr()
	return netip.AddrPortFrom(a, local.Port())
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// say sends through an interface.
func say(t *testing.T, s station, iface string, a netip.AddrPort, text string) {
	t.Helper()
	must(t, s.do(t, func() error { return multicast.SendOn(t.Context(), s.Socket, iface, a, []byte(text)) }))
}

// send sends where the system or the socket likes.
func send(t *testing.T, s station, a netip.AddrPort, text string) {
	t.Helper()
	must(t, s.SendTo(t.Context(), a, []byte(text)))
}

// next is the next datagram.
func next(t *testing.T, s station) udp.Message {
	t.Helper()
	select {
	case m, ok := <-s.Messages():
		if !ok {
			t.Fatalf("the socket has ended: %v", s.Err())
		}
		return m
	case <-time.After(patience):
		t.Fatal("heard nothing")
	}
	return udp.Message{}
}

// hears expects text to be the next datagram.
func hears(t *testing.T, s station, text string) udp.Message {
	t.Helper()
	m := next(t, s)
	if string(m.Data) != text {
		t.Fatalf("heard %q, want %q", m.Data, text)
	}
	return m
}

// until sends a datagram again and again until it is heard.
func until(t *testing.T, sender station, iface string, a netip.AddrPort, s station, text string) {
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

// supported is must, and skips the test where the system lacks what was asked for.
func supported(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// member reports whether the kernel knows of a member of g on an interface.
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
