package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

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

// take waits for something from a channel; false means that it is closed.
func take[T any](t testing.TB, what string, from <-chan T) (T, bool) {
	t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case v, open := <-from:
		return v, open
	case <-timer.C:
		stacks(t)
		t.Fatalf("waited in vain: %s", what)
		panic("not reached")
	}
}

// ended waits for a channel that closes and carries nothing.
func ended(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	if _, open := take(t, what, c); open {
		t.Fatalf("%s: the channel carries values", what)
	}
}

// drained drains a channel and expects it to close. It returns what was in it.
func drained[T any](t testing.TB, what string, c <-chan T) (rest []T) {
	t.Helper()
	for {
		v, open := take(t, what, c)
		if !open {
			return rest
		}
		rest = append(rest, v)
	}
}

// empty expects nothing in a channel that is open.
func empty[T any](t testing.TB, what string, c <-chan T) {
	t.Helper()
	select {
	case v, open := <-c:
		t.Fatalf("%s: %v (open: %v), want nothing", what, v, open)
	default:
	}
}

// within expects a call to return.
func door(t testing.TB, what string, f func()) {
	t.Helper()
	take(t, what, begin(f))
}

// begin runs f beside the test. The channel closes when it has returned.
func begin(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return done
}

// later runs f beside the test, for its error.
func later(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

// credit bounds what is on its way to a socket: spend before sending a datagram of at
// most size bytes, earn after receiving it. What is spent fits the receive buffer that
// the system granted, where each datagram takes up to size+1024 bytes and the buffer
// has twice what ReadBuffer says.
func credit(t testing.TB, s *udp.Socket, size int) (spend, earn func()) {
	t.Helper()
	granted, err := s.ReadBuffer()
	ok(t, err)
	spent := make(chan struct{}, max(1, granted/(size+1024)))
	spend = func() {
		select {
		case spent <- struct{}{}:
		case <-t.Context().Done():
		}
	}
	return spend, func() { <-spent }
}

// arrived returns when what was sent to loopback before has reached its socket, or
// nobody. Before Linux 6.4 a send may leave it in a queue, which is in order: see
// [netlab.Inside].
func arrived(t testing.TB) {
	t.Helper()
	c := std(t, families()[0])
	tell(t, c, of(c), "arrived")
	hear(t, c, "arrived")
	c.Close()
}

// eventually polls what the system does in its own time.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !cond(); {
		if time.Now().After(deadline) {
			stacks(t)
			t.Fatalf("waited in vain: %s", what)
		}
		runtime.Gosched()
	}
}

// received waits until Received counts n: it may lag behind by one read.
func received(t testing.TB, s *udp.Socket, n uint64) {
	t.Helper()
	eventually(t, "Received counts what was taken", func() bool { return s.Stats().Received >= n })
	same(t, "Received", s.Stats().Received, n)
}

// stacks logs what every goroutine does.
func stacks(t testing.TB) {
	t.Helper()
	b := make([]byte, 1<<20)
	t.Logf("%s", b[:runtime.Stack(b, true)])
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// supported is ok, and skips the test where the system lacks what was asked for.
func supported(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	ok(t, err)
}

// kernelConnects skips the test where connecting is not the kernel's work (see package
// portable). A socket hears no refusals there, and keeps its wildcard address.
func kernelConnects(t testing.TB, f family) {
	t.Helper()
	if why := unknownPeer(t, f); why != "" {
		t.Skip(why)
	}
}

// unknownPeer says why the kernel does not connect, or nothing.
func unknownPeer(t testing.TB, f family) (why string) {
	t.Helper()
	file, err := dial(t, f.network, of(std(t, f))).File()
	if errors.Is(err, errors.ErrUnsupported) {
		return err.Error()
	}
	ok(t, err)
	defer file.Close()
	c, err := net.FileConn(file)
	ok(t, err)
	defer c.Close()
	if c.RemoteAddr() == nil {
		return "the kernel does not know a socket's peer here"
	}
	return ""
}

// fails expects an error that is each of the targets.
func fails(t testing.TB, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", targets)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("%v (%T), want %v", err, err, target)
		}
	}
}

// shaped expects an error in the shape of net's, with an operation and a text
// that names the address.
func shaped(t testing.TB, err error, op, address string) {
	t.Helper()
	var shape *net.OpError
	if !errors.As(err, &shape) {
		t.Fatalf("%v (%T) is no *net.OpError", err, err)
	}
	if shape.Op != op {
		t.Errorf("%v: operation %q, want %q", err, shape.Op, op)
	}
	if !strings.Contains(err.Error(), address) {
		t.Errorf("%q does not name %s", err, address)
	}
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// done is a context that is over.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// big is a payload of n bytes, all alike.
func big(n int) string { return strings.Repeat("x", n) }

// concurrently runs f n times at once and waits for all of them.
func concurrently(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// leakless expects the test to leave no goroutine and no descriptor behind.
// The helpers that open sockets call it; it counts once for each test.
func leakless(t testing.TB) {
	t.Helper()
	if _, known := watched.LoadOrStore(t, true); known {
		return
	}
	warm()
	before := descriptors()
	goroutines := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		watched.Delete(t)
		if t.Failed() {
			// What the test began may still run, and must not speak after the test's end.
			for deadline := time.Now().Add(soon); goleak.Find(goroutines) != nil && time.Now().Before(deadline); {
				runtime.Gosched()
			}
			return
		}
		goleak.VerifyNone(t, goroutines)
		if before == nil {
			return
		}
		var after []string
		for deadline := time.Now().Add(time.Second); ; {
			if after = descriptors(); len(after) <= len(before) || time.Now().After(deadline) {
				break
			}
			runtime.Gosched() // a process that has just ended
		}
		if len(after) > len(before) {
			t.Errorf("%d descriptors before the test and %d after:\n%s\nnow:\n%s",
				len(before), len(after), strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

var watched sync.Map // of testing.TB

// warm opens what the runtime opens once and keeps.
var warm = sync.OnceFunc(func() {
	if c, err := net.ListenPacket("udp4", "127.0.0.1:0"); err == nil {
		c.Close()
	}
})

// descriptors lists those of the process; nil where nobody knows.
func descriptors() (open []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		what, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the directory's own, which is closed
		}
		open = append(open, e.Name()+" "+what)
	}
	slices.Sort(open)
	return open
}

// A names lookup knows some names, and counts who asks.
type names struct {
	mu    sync.Mutex
	known map[string][]netip.Addr
	asked []string // "network host"
}

func (n *names) lookup(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, network+" "+host)
	if a, ok := n.known[host]; ok {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n *names) questions() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// looked is a lookup that knows one name.
func looked(name string, addrs ...netip.Addr) *names {
	return &names{known: map[string][]netip.Addr{name: addrs}}
}
