package kerneltest

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// patience is how long a test waits for what must happen, calm for what must
// not.
const (
	patience = 10 * time.Second
	calm     = 100 * time.Millisecond
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// check ends the test unless err is nil, and skips it where the system cannot.
func check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a socket for as long as the test lasts.
func (s suite) open(t testing.TB, cfg kernel.Config) kernel.Conn {
	t.Helper()
	if cfg.Network == "" {
		cfg.Network = "udp4"
	}
	if cfg.Network == "udp6" && !s.system.IPv6() {
		t.Skip("no IPv6")
	}
	c, err := s.system.Open(cfg)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// loopback opens a socket on the loopback interface.
func (s suite) loopback(t testing.TB, network string) kernel.Conn {
	t.Helper()
	if network == "udp6" {
		return s.open(t, kernel.Config{Network: network, Local: addr("[::1]:0")})
	}
	return s.open(t, kernel.Config{Network: network, Local: addr("127.0.0.1:0")})
}

func local(t testing.TB, c kernel.Conn) netip.AddrPort {
	t.Helper()
	a, err := c.LocalAddr()
	check(t, err)
	return a
}

// at is host with the port of c.
func at(t testing.TB, host string, c kernel.Conn) netip.AddrPort {
	t.Helper()
	return netip.AddrPortFrom(netip.MustParseAddr(host), local(t, c).Port())
}

func send(t testing.TB, c kernel.Conn, s string, to netip.AddrPort) {
	t.Helper()
	check(t, c.Send(&kernel.Datagram{Data: []byte(s), To: to}, nil))
}

// recorder is a Sink that keeps what it gets and the order of the calls.
type recorder struct {
	packets []kernel.Packet
	calls   []string
	settled bool
	more    bool // what Wait returns
	take    bool
	deliver func()
	idle    func()
}

func (r *recorder) Room() int { r.calls = append(r.calls, "room"); return 1 }

func (r *recorder) Deliver(b *kernel.Batch) {
	r.calls = append(r.calls, "deliver")
	for i, p := range b.Packets {
		switch {
		case r.take && p.Segment == 0:
			b.Take(i, 1) // the block stays with the packet
		default:
			p.Data, _, _ = b.Slab.Copy(p.Data, p.Datagrams())
		}
		r.packets = append(r.packets, p)
	}
	if r.deliver != nil {
		r.deliver()
	}
}

func (r *recorder) Pending() bool { r.calls = append(r.calls, "pending"); return !r.settled }
func (r *recorder) Wait() bool    { r.calls = append(r.calls, "wait"); return r.more }

func (r *recorder) Idle() bool {
	r.calls = append(r.calls, "idle")
	if r.idle != nil {
		r.idle()
	}
	return false
}

// receive expects one datagram.
func receive(t testing.TB, c kernel.Conn) kernel.Packet {
	t.Helper()
	check(t, c.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: true}
	check(t, c.Receive(&r, true))
	if len(r.packets) != 1 {
		t.Fatalf("%d packets, want 1", len(r.packets))
	}
	return r.packets[0]
}

// want expects the next datagram to be s.
func want(t testing.TB, c kernel.Conn, s string) kernel.Packet {
	t.Helper()
	p := receive(t, c)
	if string(p.Data) != s {
		t.Fatalf("received %.40q, want %.40q", p.Data, s)
	}
	return p
}

// silent expects nothing.
func silent(t testing.TB, c kernel.Conn) {
	t.Helper()
	check(t, c.SetReadDeadline(time.Now().Add(calm)))
	var r recorder
	if err := c.Receive(&r, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("received %+v, error %v, want silence", r.packets, err)
	}
}

func (s suite) TestADatagramArrives(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			a, b := s.loopback(t, network), s.loopback(t, network)
			send(t, a, "hello", local(t, b))
			p := want(t, b, "hello")
			if p.From != local(t, a) {
				t.Errorf("from %v, want %v", p.From, local(t, a))
			}
			if p.Truncated || p.NonUnicastDst || p.Segment != 0 {
				t.Errorf("%+v", p)
			}
			if c := b.Calls(); c.Read == 0 {
				t.Error("no read was counted")
			}
			if c := a.Calls(); c.Write != 1 {
				t.Errorf("%d writes were counted, want 1", c.Write)
			}
		})
	}
}

func (s suite) TestAnEmptyDatagramArrives(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	send(t, a, "", local(t, b))
	send(t, a, "x", local(t, b))
	want(t, b, "")
	want(t, b, "x")
}

func (s suite) TestTheLargestDatagramArrivesWhole(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	check(t, a.SetOption(kernel.WriteBuffer, 128<<10))
	big := strings.Repeat("0123456789", 6551)[:65507]
	send(t, a, big, local(t, b))
	want(t, b, big)
	err := a.Send(&kernel.Datagram{Data: make([]byte, 65508), To: local(t, b)}, nil)
	var call *os.SyscallError
	if !errors.Is(err, syscall.EMSGSIZE) || !errors.As(err, &call) {
		t.Errorf("a longer one: %v, want EMSGSIZE of a system call", err)
	}
}

func (s suite) TestPartsAreOneDatagram(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	d := kernel.Datagram{Data: []byte("one "), More: [][]byte{[]byte("two "), nil, []byte("three")}, To: local(t, b)}
	check(t, a.Send(&d, nil))
	want(t, b, "one two three")
	d.Data = nil
	check(t, a.SendWait(&d, nil, nil))
	want(t, b, "two three")
}

func (s suite) TestABatchKeepsItsOrder(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	var ds []kernel.Datagram
	for _, s := range []string{"1", "22", "", "333"} {
		ds = append(ds, kernel.Datagram{Data: []byte(s), To: local(t, b)})
	}
	if n, err := a.SendBatch(ds); n != len(ds) || err != nil {
		t.Fatalf("%d sent, %v", n, err)
	}
	for _, d := range ds {
		want(t, b, string(d.Data))
	}
	ds[1].Data = make([]byte, 65508)
	if n, err := a.SendBatch(ds); n != 1 || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("%d sent, %v, want 1 and EMSGSIZE", n, err)
	}
	want(t, b, "1")
}

func (s suite) TestDualStackShowsIPv4AsIPv4(t *testing.T) {
	six := s.open(t, kernel.Config{Network: "udp6", PacketInfo: kernel.Try})
	four := s.loopback(t, "udp4")
	if err := four.Send(&kernel.Datagram{To: at(t, "127.0.0.1", six)}, nil); err != nil {
		t.Fatal(err)
	}
	check(t, six.SetReadDeadline(time.Now().Add(time.Second)))
	r := recorder{settled: true}
	if err := six.Receive(&r, true); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Skip("no dual-stack sockets")
	}
	p := r.packets[0]
	if p.From != local(t, four) {
		t.Errorf("from %v, want %v", p.From, local(t, four))
	}
	if p.To.IsValid() && p.To != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("to %v", p.To)
	}
	send(t, six, "back", p.From)
	want(t, four, "back")
	check(t, six.Connect(p.From))
	if a, err := six.RemoteAddr(); a != p.From || err != nil {
		t.Errorf("connected to %v, %v, want %v", a, err, p.From)
	}
	if a := local(t, six).Addr(); a.Is4In6() {
		t.Errorf("local address %v is mapped", a)
	}
}

// Upstream: parallel/test-dgram-ipv6only.js
// Upstream: parallel/test-cluster-dgram-ipv6only.js
func (s suite) TestIPv6OnlyLeavesThePortToIPv4(t *testing.T) {
	six := s.open(t, kernel.Config{Network: "udp6", IPv6Only: true})
	s.open(t, kernel.Config{Network: "udp4", Local: at(t, "0.0.0.0", six)})
}

func (s suite) TestTheDestinationIsTheSourceOfTheReply(t *testing.T) {
	for _, tt := range []struct{ network, server string }{
		{"udp4", "127.0.0.1"}, {"udp4", "127.0.0.2"}, {"udp6", "::1"}, {"udp6", "127.0.0.2"},
	} {
		t.Run(tt.network+" "+tt.server, func(t *testing.T) {
			if address := netip.MustParseAddr(tt.server); address.Is4() {
				netlab.RequireSource(t, address)
			}
			server := s.open(t, kernel.Config{Network: tt.network, PacketInfo: kernel.On})
			network := "udp4"
			if tt.server == "::1" {
				network = "udp6"
			}
			client := s.loopback(t, network)
			check(t, client.Send(&kernel.Datagram{Data: []byte("ask"), To: at(t, tt.server, server)}, nil))
			p := want(t, server, "ask")
			if p.To != netip.MustParseAddr(tt.server) || p.NonUnicastDst {
				t.Fatalf("to %v, foreign %v", p.To, p.NonUnicastDst)
			}
			if lo := loopbackInterface(t); p.Interface != lo.Index && !netlab.Swapped() {
				t.Errorf("came in on interface %d, want %d", p.Interface, lo.Index)
			}
			for _, s := range []string{"answer", ""} {
				check(t, server.Send(&kernel.Datagram{Data: []byte(s), To: p.From, From: p.To}, nil))
				if r := want(t, client, s); r.From != at(t, tt.server, server) {
					t.Errorf("answered from %v, want %v", r.From, tt.server)
				}
			}
		})
	}
}

func loopbackInterface(t testing.TB) net.Interface {
	t.Helper()
	if netlab.Swapped() {
		return net.Interface{Name: "lo", Index: 1, Flags: net.FlagLoopback | net.FlagUp} // as on every Linux
	}
	all, err := net.Interfaces()
	check(t, err)
	i := slices.IndexFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 })
	if i < 0 {
		t.Skip("no loopback interface")
	}
	return all[i]
}

func (s suite) TestReceiveAsksTheSinkInOrder(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	send(t, a, "1", local(t, b))
	send(t, a, "2", local(t, b))
	check(t, b.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: false, more: true}
	r.deliver = func() { r.more = len(r.packets) < 2 }
	check(t, b.Receive(&r, false))
	calls := slices.DeleteFunc(r.calls, func(call string) bool { return call == "idle" })
	if got := strings.Join(slices.Compact(calls), " "); got != "room deliver pending wait room deliver pending wait" {
		t.Errorf("calls: %s", got)
	}
}

// A sink may hold back what was delivered, until the Conn is idle: it has to hear
// of that before the Conn waits for a datagram that may never come.
func (s suite) TestReceiveIsIdleBeforeItWaits(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	for _, text := range []string{"1", "2", "3"} {
		send(t, a, text, local(t, b))
	}
	idle, ended := make(chan int, 100), make(chan error, 1)
	r := recorder{settled: true}
	r.idle = func() { idle <- len(r.packets) }
	go func() { ended <- b.Receive(&r, false) }()
	for timeout := time.After(patience); ; {
		select {
		case n := <-idle:
			if n < 3 {
				continue
			}
		case <-timeout:
			t.Error("Receive waits, and the sink has not heard of it")
		}
		break
	}
	check(t, b.Close())
	if err := <-ended; err == nil {
		t.Error("a closed socket receives")
	}
}

func (s suite) TestABlockCanBeTaken(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	check(t, b.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: true, take: true}
	big := bytes.Repeat([]byte("a"), 9000)
	for i := range 3 {
		big[0] = byte('0' + i)
		send(t, a, string(big), local(t, b))
		check(t, b.Receive(&r, true))
	}
	for i, p := range r.packets {
		if len(p.Data) != len(big) || p.Data[0] != byte('0'+i) {
			t.Errorf("packet %d: %d bytes, begins with %q", i, len(p.Data), p.Data[0])
		}
	}
}

func (s suite) TestReadMsgReadsAsNetDoes(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	check(t, b.SetReadDeadline(time.Now().Add(patience)))
	send(t, a, "hello", local(t, b))
	buf := make([]byte, 10)
	var p kernel.Packet
	n, _, _, err := b.ReadMsg(buf, nil, &p)
	from := p.From
	if string(buf[:n]) != "hello" || from != local(t, a) || err != nil {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
	send(t, a, "too long for it", local(t, b))
	if n, _, _, err := b.ReadMsg(buf, nil, &p); n != len(buf) || err != nil {
		t.Errorf("a longer one: %d, %v", n, err)
	}
	send(t, a, "", local(t, b))
	if n, _, _, err := b.ReadMsg(buf, make([]byte, 64), &p); n != 0 || err != nil {
		t.Errorf("an empty one: %d, %v", n, err)
	}
}
