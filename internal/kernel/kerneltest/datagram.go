package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

func (s suite) TestADatagramArrives(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			a, b := s.loopback(t, network), s.loopback(t, network)
			send(t, a, "hello", Local(t, b))
			p := want(t, b, "hello")
			if p.From != Local(t, a) {
				t.Errorf("from %v, want %v", p.From, Local(t, a))
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
	send(t, a, "", Local(t, b))
	send(t, a, "x", Local(t, b))
	want(t, b, "")
	want(t, b, "x")
}

func (s suite) TestTheLargestDatagramArrivesWhole(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	Check(t, a.SetOption(kernel.WriteBuffer, 128<<10))
	big := strings.Repeat("0123456789", 6551)[:65507]
	send(t, a, big, Local(t, b))
	want(t, b, big)
	err := a.Send(&kernel.Datagram{Data: make([]byte, 65508), To: Local(t, b)}, nil)
	var call *os.SyscallError
	if !errors.Is(err, syscall.EMSGSIZE) || !errors.As(err, &call) {
		t.Errorf("a longer one: %v, want EMSGSIZE of a system call", err)
	}
}

func (s suite) TestPartsAreOneDatagram(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	d := kernel.Datagram{Data: []byte("one "), More: [][]byte{[]byte("two "), nil, []byte("three")}, To: Local(t, b)}
	Check(t, a.Send(&d, nil))
	want(t, b, "one two three")
	d.Data = nil
	Check(t, a.SendWait(&d, nil, nil))
	want(t, b, "two three")
}

func (s suite) TestABatchKeepsItsOrder(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	var ds []kernel.Datagram
	for _, s := range []string{"1", "22", "", "333"} {
		ds = append(ds, kernel.Datagram{Data: []byte(s), To: Local(t, b)})
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
	Check(t, six.SetReadDeadline(time.Now().Add(time.Second)))
	r := recorder{settled: true}
	if err := six.Receive(&r, true); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Skip("no dual-stack sockets")
	}
	p := r.packets[0]
	if p.From != Local(t, four) {
		t.Errorf("from %v, want %v", p.From, Local(t, four))
	}
	if p.To.IsValid() && p.To != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("to %v", p.To)
	}
	send(t, six, "back", p.From)
	want(t, four, "back")
	Check(t, six.Connect(p.From))
	if a, err := six.RemoteAddr(); a != p.From || err != nil {
		t.Errorf("connected to %v, %v, want %v", a, err, p.From)
	}
	if a := Local(t, six).Addr(); a.Is4In6() {
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
			Check(t, client.Send(&kernel.Datagram{Data: []byte("ask"), To: at(t, tt.server, server)}, nil))
			p := want(t, server, "ask")
			if p.To != netip.MustParseAddr(tt.server) || p.NonUnicastDst {
				t.Fatalf("to %v, foreign %v", p.To, p.NonUnicastDst)
			}
			if lo := loopbackInterface(t); p.Interface != lo.Index && !netlab.Swapped() {
				t.Errorf("came in on interface %d, want %d", p.Interface, lo.Index)
			}
			for _, s := range []string{"answer", ""} {
				Check(t, server.Send(&kernel.Datagram{Data: []byte(s), To: p.From, From: p.To}, nil))
				if r := want(t, client, s); r.From != at(t, tt.server, server) {
					t.Errorf("answered from %v, want %v", r.From, tt.server)
				}
			}
		})
	}
}
