package udptest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// A recorder is a test that notes how it was ended, and from which line.
type recorder struct {
	testing.TB
	message string
	file    string
	helpers map[string]bool
	cleanup []func()
}

func (r *recorder) Helper() {
	pc, _, _, _ := runtime.Caller(1)
	r.helpers[runtime.FuncForPC(pc).Name()] = true
}

func (r *recorder) Cleanup(f func())                  { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Fatal(args ...any)                 { r.end(fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.end(fmt.Sprintf(format, args...)) }

func (r *recorder) end(message string) {
	r.message = message
	pcs := make([]uintptr, 20)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !r.helpers[f.Function] {
			r.file = filepath.Base(f.File)
			break
		}
		if !more {
			break
		}
	}
	runtime.Goexit()
}

// misuse runs f with a test of its own and returns how that was ended.
func misuse(t *testing.T, f func(t testing.TB)) *recorder {
	r := &recorder{TB: t, helpers: map[string]bool{}}
	done := make(chan struct{})
	go func() { defer close(done); f(r) }()
	<-done
	for _, c := range r.cleanup {
		c()
	}
	return r
}

func TestMisuseEndsTheTestAtTheCallersLine(t *testing.T) {
	network := func(f func(n *udptest.Network, a, b *udptest.Host)) func(testing.TB) {
		return func(t testing.TB) {
			n := udptest.NewNetwork(t)
			f(n, n.Host("192.0.2.1/24"), n.Host("192.0.2.2/24"))
		}
	}
	link := func(o udptest.LinkOption) func(testing.TB) {
		return network(func(n *udptest.Network, a, b *udptest.Host) { n.Link(a, b, o) })
	}
	for what, f := range map[string]func(testing.TB){
		"nil option":                     func(t testing.TB) { udptest.NewNetwork(t, nil) },
		"KeepFates(-1)":                  func(t testing.TB) { udptest.NewNetwork(t, udptest.KeepFates(-1)) },
		"address \"nonsense\"":           func(t testing.TB) { udptest.NewNetwork(t).Host("nonsense") },
		"prefix length":                  func(t testing.TB) { udptest.NewNetwork(t).Host("192.0.2.1/33") },
		"not an address that a host":     func(t testing.TB) { udptest.NewNetwork(t).Host("224.0.0.1") },
		"has its loopback interface":     func(t testing.TB) { udptest.NewNetwork(t).Host("fe80::1%lo") },
		"the host has 192.0.2.5 already": func(t testing.TB) { udptest.NewNetwork(t).Host("192.0.2.5", "192.0.2.5/16") },
		"has 2001:db8::5 already":        func(t testing.TB) { udptest.NewNetwork(t).Host("2001:db8::5%eth1", "2001:db8::5") },
		"192.0.2.1 and itself":           network(func(n *udptest.Network, a, b *udptest.Host) { n.Link(a, a) }),
		"Partition: host":                network(func(n *udptest.Network, a, b *udptest.Host) { n.Partition(b, b) }),
		"Heal: nil host":                 network(func(n *udptest.Network, a, b *udptest.Host) { n.Heal(a, nil) }),
		"another network's":              network(func(n *udptest.Network, a, b *udptest.Host) { n.Link(a, udptest.NewNetwork(t).Host()) }),
		"Loss: probability 1.1":          link(udptest.Loss(1.1)),
		"Burst: probability -0.1":        link(udptest.Burst(-0.1, 3)),
		"Burst: length 0":                link(udptest.Burst(0.1, 0)),
		"Duplicate: probability 2":       link(udptest.Duplicate(2)),
		"Reorder: probability -1":        link(udptest.Reorder(-1, 0)),
		"Reorder: negative duration":     link(udptest.Reorder(1, -1)),
		"Corrupt: probability NaN":       link(udptest.Corrupt(nan())),
		"Latency: negative duration":     link(udptest.Latency(-time.Second)),
		"Jitter: negative duration":      link(udptest.Jitter(-time.Second)),
		"Rate: 0 bytes per second":       link(udptest.Rate(0, 1)),
		"Rate: negative queue":           link(udptest.Rate(1, -1)),
		"MTU: 67":                        link(udptest.MTU(67)),
		"Lifetime: 0s":                   link(udptest.Lifetime(0)),
		"Outage: negative duration":      link(udptest.Outage(0, -1, 0)),
		"Link: nil option":               link(nil),
		"is inside and has the outside":  network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("192.0.2.2", udptest.FullCone, 0, a, b) }),
		"NAT: address \"x\"":             network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("x", udptest.FullCone, 0, a) }),
		"at least one host":              network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("203.0.113.1", udptest.FullCone, 0) }),
		"unknown kind 4":                 network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("203.0.113.1", 4, 0, a) }),
		"negative idle time":             network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("203.0.113.1", 0, -1, a) }),
		"no address of the family":       network(func(n *udptest.Network, a, b *udptest.Host) { n.NAT("2001:db8::1", 0, 0, a) }),
		"is behind a NAT already": network(func(n *udptest.Network, a, b *udptest.Host) {
			n.NAT("203.0.113.1", 0, 0, a)
			n.NAT("203.0.113.2", 0, 0, a)
		}),
		"outside 203.0.113.1 is anothe": network(func(n *udptest.Network, a, b *udptest.Host) {
			n.NAT("203.0.113.1", 0, 0, a)
			n.NAT("203.0.113.1", 0, 0, b)
		}),
		"is an address of two hosts": network(func(n *udptest.Network, a, b *udptest.Host) {
			_, _ = n.Host("192.0.2.2/24").New("udp4")
		}),
		"Capture: nil writer": network(func(n *udptest.Network, a, b *udptest.Host) { _ = n.Capture(nil) }),
	} {
		r := misuse(t, f)
		if !strings.Contains(r.message, what) || !strings.HasPrefix(r.message, "udptest: ") {
			t.Errorf("%s: ended with %q", what, r.message)
		}
		if r.file != "misuse_test.go" {
			t.Errorf("%s: the line is in %s", what, r.file)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// What Linux answers to bad use is the answer: an error with an errno.
func TestAddressesThatNobodyHas(t *testing.T) {
	n := udptest.NewNetwork(t)
	h := n.Host("192.0.2.1/24")
	_, err := h.Listen(t.Context(), "udp4", "198.51.100.1:0")
	fails(t, err, syscall.EADDRNOTAVAIL)
	_, err = h.Listen(t.Context(), "udp6", "[2001:db8::1]:0")
	fails(t, err, syscall.EADDRNOTAVAIL)
	s := listen(t, h)
	fails(t, s.SendTo(t.Context(), netip.MustParseAddrPort("198.51.100.1:9"), nil), syscall.ENETUNREACH)
	_, err = h.Dial(t.Context(), "udp4", "198.51.100.1:9")
	fails(t, err, syscall.ENETUNREACH)
	same(t, "sent", n.Totals().Sent, 0)
}

func TestWhatNeedsADescriptorIsUnsupported(t *testing.T) {
	n := udptest.NewNetwork(t)
	s := listen(t, n.Host())
	raw, err := s.SyscallConn()
	ok(t, err)
	for what, call := range map[string]func() error{
		"duplicate of a socket": func() error { _, err := s.File(); return err },
		"file udp4":             func() error { _, err := s.UDPConn(); return err },
		"raw control":           func() error { return raw.Control(func(uintptr) { t.Error("there is a descriptor") }) },
		"raw read":              func() error { return raw.Read(func(uintptr) bool { t.Error("there is a descriptor"); return true }) },
		"raw write":             func() error { return raw.Write(func(uintptr) bool { t.Error("there is a descriptor"); return true }) },
		"WithControl": func() error {
			_, err := n.Host().Listen(t.Context(), "udp4", ":0", udp.WithControl(func(string, string, syscall.RawConn) error { return nil }))
			return err
		},
	} {
		err := call()
		fails(t, err, errors.ErrUnsupported)
		if text := fmt.Sprint(err); !strings.Contains(text, what) || !strings.Contains(text, "a simulated socket has no descriptor") {
			t.Errorf("%s: error %q does not say what is unsupported, and why", what, text)
		}
	}
}

// A socket that the test leaves open is closed with the network.
func TestCleanupClosesWhatIsLeft(t *testing.T) {
	var n *udptest.Network
	r := misuse(t, func(t testing.TB) {
		n = udptest.NewNetwork(t)
		h := n.Host()
		for range 300 {
			listen(t, h).Messages()
		}
	})
	same(t, "message", r.message, "")
}
