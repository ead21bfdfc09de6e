package interop

import (
	"context"
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// A wire is a link between two hosts, with tshark looking at what leaves the
// first.
type wire struct {
	t      *testing.T
	here   *netlab.Host
	tshark *process
	to     map[string]netip.AddrPort // by network
}

// What is on the wire, one line for each frame.
var fields = []string{"ip.ttl", "ip.dsfield", "ip.flags.df", "ip.flags.mf", "ip.frag_offset", "ip.len", "ipv6.hlim", "ipv6.tclass", "ipv6.plen", "ipv6.fraghdr.offset", "ipv6.fraghdr.more"}

func newWire(t *testing.T) *wire {
	t.Helper()
	path := program(t, "tshark")
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24", "fd00::1/64"), b.Port("eth0", "10.0.0.2/24", "fd00::2/64"))
	w := &wire{t: t, here: a, to: map[string]netip.AddrPort{}}
	for network, address := range map[string]string{"udp4": "10.0.0.2:0", "udp6": "[fd00::2]:0"} {
		w.to[network] = local(t, w.open(b, network, address)) // nobody refuses
	}
	args := []string{"-i", "eth0", "-l", "-n", "-T", "fields", "-E", "separator=,", "-f", "ip src 10.0.0.1 and ip proto 17 or ip6 src fd00::1 and not icmp6"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	w.tshark = startOn(t, a.Do, exec.Command(path, args...))
	w.ready()
	return w
}

// open opens a socket on a host.
func (w *wire) open(h *netlab.Host, network, address string, opts ...udp.Option) *udp.Socket {
	w.t.Helper()
	s := netlab.On(h, func() (*udp.Socket, error) {
		return udp.Listen(context.Background(), network, address, opts...)
	})
	w.t.Cleanup(func() { s.Close() })
	return s
}

// ready waits until tshark sees what is sent.
func (w *wire) ready() {
	w.t.Helper()
	s := w.open(w.here, "udp4", "10.0.0.1:0", udp.WithTTL(99))
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		if err := s.SendTo(context.Background(), w.to["udp4"]); err != nil {
			w.t.Fatal(err)
		}
		select {
		case line := <-w.tshark.lines:
			if strings.HasPrefix(line, "99,") {
				return
			}
		case <-again.C:
		case <-timer.C:
			w.t.Fatalf("tshark sees nothing:\n%s", w.tshark.output())
		}
	}
}

// shows expects the next frame to have these fields.
func (w *wire) shows(want map[string]string) {
	w.t.Helper()
	line := "99,"
	for strings.HasPrefix(line, "99,") || strings.HasPrefix(line, "Capturing") || strings.HasPrefix(line, "Running") || line == "" {
		line = take(w.t, "a frame", w.tshark.lines)
	}
	got := strings.Split(line, ",")
	for i, f := range fields {
		if v, ok := want[f]; ok && (i >= len(got) || got[i] != v) {
			w.t.Errorf("%s is not %s in %s (%s)", f, v, line, strings.Join(fields, ","))
		}
	}
}

func (w *wire) send(s *udp.Socket, network string, size int) {
	w.t.Helper()
	if err := s.SendTo(context.Background(), w.to[network], make([]byte, size)); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheWireShowsWhatWasSet(t *testing.T) {
	w := newWire(t)
	s4 := w.open(w.here, "udp4", "10.0.0.1:0", udp.WithTTL(42))
	w.send(s4, "udp4", 1)
	w.shows(map[string]string{"ip.ttl": "42", "ip.dsfield": "0x00"})
	for _, err := range []error{s4.SetTTL(7), s4.SetTOS(0xb8)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.send(s4, "udp4", 0)
	w.shows(map[string]string{"ip.ttl": "7", "ip.dsfield": "0xb8", "ip.len": "28"})

	s6 := w.open(w.here, "udp6", "[fd00::1]:0", udp.WithTTL(43))
	if err := s6.SetTOS(0x2e << 2); err != nil {
		t.Fatal(err)
	}
	w.send(s6, "udp6", 10)
	w.shows(map[string]string{"ipv6.hlim": "43", "ipv6.tclass": "0x000000b8", "ipv6.plen": "18"})

	// IPv4 on a dual-stack socket goes by the same settings.
	both := w.open(w.here, "udp", ":0", udp.WithTTL(44))
	if err := both.SetTOS(0x20); err != nil {
		t.Fatal(err)
	}
	w.send(both, "udp4", 10)
	w.shows(map[string]string{"ip.ttl": "44", "ip.dsfield": "0x20"})
	w.send(both, "udp6", 10)
	w.shows(map[string]string{"ipv6.hlim": "44", "ipv6.tclass": "0x00000020"})
}

func TestTheWireShowsFragments(t *testing.T) {
	w := newWire(t)
	s := w.open(w.here, "udp4", "10.0.0.1:0")
	w.send(s, "udp4", 4000)
	w.shows(map[string]string{"ip.flags.df": "0", "ip.flags.mf": "1", "ip.frag_offset": "0", "ip.len": "1500"})
	w.shows(map[string]string{"ip.flags.df": "0", "ip.flags.mf": "1", "ip.len": "1500"})
	w.shows(map[string]string{"ip.flags.df": "0", "ip.flags.mf": "0", "ip.len": "1068"})
	s6 := w.open(w.here, "udp6", "[fd00::1]:0")
	w.send(s6, "udp6", 2000)
	w.shows(map[string]string{"ipv6.fraghdr.offset": "0", "ipv6.fraghdr.more": "1"})
	w.shows(map[string]string{"ipv6.fraghdr.more": "0"})

	// What must not be cut up is not sent, and says so.
	whole := w.open(w.here, "udp4", "10.0.0.1:0", udp.WithDontFragment())
	if err := whole.SendTo(context.Background(), w.to["udp4"], make([]byte, 1473)); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("%v, want EMSGSIZE", err)
	}
	w.send(whole, "udp4", 1472)
	w.shows(map[string]string{"ip.flags.df": "1", "ip.flags.mf": "0", "ip.len": "1500"})
}
