package kerneltest

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestReadMsgReadsAsNetDoes(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	Check(t, b.SetReadDeadline(time.Now().Add(patience)))
	send(t, a, "hello", Local(t, b))
	buf := make([]byte, 10)
	var p kernel.Packet
	n, _, _, err := b.ReadMsg(buf, nil, &p)
	from := p.From
	if string(buf[:n]) != "hello" || from != Local(t, a) || err != nil {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
	send(t, a, "too long for it", Local(t, b))
	if n, _, _, err := b.ReadMsg(buf, nil, &p); n != len(buf) || err != nil {
		t.Errorf("a longer one: %d, %v", n, err)
	}
	send(t, a, "", Local(t, b))
	if n, _, _, err := b.ReadMsg(buf, make([]byte, 64), &p); n != 0 || err != nil {
		t.Errorf("an empty one: %d, %v", n, err)
	}
}

func (s suite) TestReadMsgsReadsAtLeastOne(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	Check(t, b.SetReadDeadline(time.Now().Add(patience)))
	send(t, a, "hello", Local(t, b))
	send(t, a, "world", Local(t, b))
	for rest := []string{"hello", "world"}; len(rest) > 0; {
		ms := []ipv4.Message{
			{Buffers: [][]byte{make([]byte, 2), make([]byte, 10)}},
			{Buffers: [][]byte{make([]byte, 10)}},
		}
		n, err := b.ReadMsgs(ms, 0)
		Check(t, err)
		if n < 1 || n > len(rest) {
			t.Fatalf("%d messages", n)
		}
		for _, m := range ms[:n] {
			var data []byte
			for _, part := range m.Buffers {
				data = append(data, part[:min(len(part), m.N-len(data))]...)
			}
			if string(data) != rest[0] {
				t.Errorf("%q, want %q", data, rest[0])
			}
			if from, ok := m.Addr.(*net.UDPAddr); !ok || from.AddrPort() != Local(t, a) {
				t.Errorf("from %v, want %v", m.Addr, Local(t, a))
			}
			rest = rest[1:]
		}
	}
	if n, err := b.ReadMsgs(nil, 0); n != 0 || err != nil {
		t.Errorf("none: %d, %v", n, err)
	}
}
