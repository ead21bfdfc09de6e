package interop

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// What x/net makes of a view has everything but its own ReadFrom, which insists
// on a *net.UDPConn; ReadBatch is there for that.

func TestXNetReadsControlMessagesInBatches4(t *testing.T) {
	server, client := listen(t, "udp4", "0.0.0.0:0"), listen(t, "udp4", "127.0.0.1:0")
	p, c := ipv4.NewPacketConn(server.PacketConn()), ipv4.NewPacketConn(client.PacketConn())
	if err := p.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
		t.Fatal(err)
	}
	if err := c.SetTTL(77); err != nil {
		t.Fatal(err)
	}
	if ttl, err := c.TTL(); ttl != 77 || err != nil {
		t.Fatalf("TTL %d, %v", ttl, err)
	}
	to := net.UDPAddrFromAddrPort(local(t, server))
	to.IP = net.IPv4(127, 0, 0, 5)
	sent := make([]ipv4.Message, 4)
	for i := range sent {
		sent[i] = ipv4.Message{Buffers: [][]byte{fmt.Appendf(nil, "message "), fmt.Appendf(nil, "%d", i)}, Addr: to}
	}
	if n, err := c.WriteBatch(sent, 0); n != len(sent) || err != nil {
		t.Fatalf("%d sent, %v", n, err)
	}
	deadline(t, p)
	ms := batch(8, ipv4.NewControlMessage(ipv4.FlagTTL|ipv4.FlagDst|ipv4.FlagInterface))
	for got := 0; got < len(sent); {
		n, err := p.ReadBatch(ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range ms[:n] {
			if want := fmt.Sprintf("message %d", got+i); string(m.Buffers[0][:m.N]) != want {
				t.Errorf("%q, want %q", m.Buffers[0][:m.N], want)
			}
			var cm ipv4.ControlMessage
			if err := cm.Parse(m.OOB[:m.NN]); err != nil {
				t.Fatal(err)
			}
			if cm.TTL != 77 || !cm.Dst.Equal(to.IP) || cm.IfIndex != 1 {
				t.Errorf("%v, want TTL 77 and destination %v", &cm, to.IP)
			}
		}
		got += n
	}

	// The answer leaves from the address that was asked.
	if _, err := p.WriteTo([]byte("answer"), &ipv4.ControlMessage{Src: to.IP}, client.PacketConn().LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, from, err := client.PacketConn().ReadFrom(b)
	if err != nil || string(b[:n]) != "answer" || !from.(*net.UDPAddr).IP.Equal(to.IP) {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	<-server.Done()
}

func TestXNetReadsControlMessagesInBatches6(t *testing.T) {
	server, client := listen(t, "udp6", "[::]:0"), listen(t, "udp6", "[::1]:0")
	p, c := ipv6.NewPacketConn(server.PacketConn()), ipv6.NewPacketConn(client.PacketConn())
	flags := ipv6.FlagTrafficClass | ipv6.FlagHopLimit | ipv6.FlagDst | ipv6.FlagInterface
	if err := p.SetControlMessage(flags, true); err != nil {
		t.Fatal(err)
	}
	if err := c.SetHopLimit(33); err != nil {
		t.Fatal(err)
	}
	deadline(t, p)
	for i := range 3 {
		cm := &ipv6.ControlMessage{TrafficClass: 0xb8, HopLimit: 44 + i}
		if _, err := c.WriteTo(fmt.Appendf(nil, "message %d", i), cm, net.UDPAddrFromAddrPort(local(t, server))); err != nil {
			t.Fatal(err)
		}
	}
	ms := batch(8, ipv6.NewControlMessage(flags))
	for got := 0; got < 3; {
		n, err := p.ReadBatch(ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range ms[:n] {
			var cm ipv6.ControlMessage
			if err := cm.Parse(m.OOB[:m.NN]); err != nil {
				t.Fatal(err)
			}
			if cm.TrafficClass != 0xb8 || cm.HopLimit != 44+got+i || !cm.Dst.Equal(net.IPv6loopback) {
				t.Errorf("message %d: %v", got+i, &cm)
			}
		}
		got += n
	}
}

// A deadline set through x/net is the view's.
func TestXNetDeadlineWakesAReader(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	p := ipv4.NewPacketConn(s.PacketConn())
	done := later(func() error {
		_, err := p.ReadBatch(batch(2, nil), 0)
		return err
	})
	if err := p.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	err := take(t, "the reader's end", done)
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("%v, want a timeout", err)
	}
}

func TestXNetJoinsAGroup(t *testing.T) {
	s := listen(t, "udp4", "0.0.0.0:0")
	p := ipv4.NewPacketConn(s.PacketConn())
	lo := must[*net.Interface](t)(net.InterfaceByIndex(1))
	group := &net.UDPAddr{IP: net.IPv4(239, 9, 9, 9), Port: int(local(t, s).Port())}
	if err := p.JoinGroup(lo, group); err != nil {
		t.Fatal(err)
	}
	if err := p.SetMulticastInterface(lo); err != nil {
		t.Fatal(err)
	}
	if err := p.SetMulticastLoopback(true); err != nil {
		t.Fatal(err)
	}
	deadline(t, p)
	if _, err := p.WriteTo([]byte("to all"), nil, group); err != nil {
		t.Fatal(err)
	}
	ms := batch(1, nil)
	if n, err := p.ReadBatch(ms, 0); n != 1 || err != nil || !bytes.Equal(ms[0].Buffers[0][:ms[0].N], []byte("to all")) {
		t.Errorf("%d, %v, %q", n, err, ms[0].Buffers[0][:ms[0].N])
	}
	if err := p.LeaveGroup(lo, group); err != nil {
		t.Error(err)
	}
}

func batch(n int, oob []byte) []ipv4.Message {
	ms := make([]ipv4.Message, n)
	for i := range ms {
		ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 2048)}, OOB: bytes.Clone(oob)}
	}
	return ms
}

func deadline(t testing.TB, c interface{ SetReadDeadline(time.Time) error }) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
}
