package udp_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

var messageConformance = map[string]func(t *testing.T, c udpConn, peer *net.UDPConn){
	"every way to read and write": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		b, oob := make([]byte, 64), make([]byte, 128)
		to := net.UDPAddrFromAddrPort(of(peer))
		check := func(what string, n int, from netip.AddrPort, err error) {
			t.Helper()
			ok(t, err)
			same(t, what, string(b[:n]), what)
			same(t, what+": sender", netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), of(peer))
		}
		wrote := func(what string, n int, err error) {
			t.Helper()
			ok(t, err)
			same(t, what, n, len(what))
			hear(t, peer, what)
		}
		tell(t, peer, of(c), "ReadFromUDP")
		n, from, err := c.ReadFromUDP(b)
		check("ReadFromUDP", n, from.AddrPort(), err)
		tell(t, peer, of(c), "ReadFromUDPAddrPort")
		n, at, err := c.ReadFromUDPAddrPort(b)
		check("ReadFromUDPAddrPort", n, at, err)
		tell(t, peer, of(c), "ReadMsgUDP")
		n, _, _, from, err = c.ReadMsgUDP(b, oob)
		check("ReadMsgUDP", n, from.AddrPort(), err)
		tell(t, peer, of(c), "ReadMsgUDPAddrPort")
		n, _, _, at, err = c.ReadMsgUDPAddrPort(b, nil)
		check("ReadMsgUDPAddrPort", n, at, err)
		tell(t, peer, of(c), "Read")
		n, err = c.Read(b)
		check("Read", n, of(peer), err)

		n, err = c.WriteToUDP([]byte("WriteToUDP"), to)
		wrote("WriteToUDP", n, err)
		n, err = c.WriteToUDPAddrPort([]byte("WriteToUDPAddrPort"), of(peer))
		wrote("WriteToUDPAddrPort", n, err)
		n, _, err = c.WriteMsgUDP([]byte("WriteMsgUDP"), nil, to)
		wrote("WriteMsgUDP", n, err)
		n, _, err = c.WriteMsgUDPAddrPort([]byte("WriteMsgUDPAddrPort"), nil, of(peer))
		wrote("WriteMsgUDPAddrPort", n, err)
	},
	"control messages": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		if of(c).Addr().Is6() {
			t.Skip("IPv4's control messages")
		}
		p := ipv4.NewPacketConn(c)
		if err := p.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
			t.Skip(err)
		}
		tell(t, peer, of(c), "x")
		oob := ipv4.NewControlMessage(ipv4.FlagDst | ipv4.FlagInterface)
		n, oobn, _, _, err := c.ReadMsgUDP(make([]byte, 8), oob)
		ok(t, err)
		same(t, "length", n, 1)
		var cm ipv4.ControlMessage
		ok(t, cm.Parse(oob[:oobn]))
		same(t, "destination", cm.Dst.String(), of(c).Addr().String())
	},
	"batches of golang.org/x/net": func(t *testing.T, c udpConn, peer *net.UDPConn) {
		type batcher interface {
			ReadBatch(ms []ipv4.Message, flags int) (int, error)
			WriteBatch(ms []ipv4.Message, flags int) (int, error)
		}
		var p, theirs batcher = ipv4.NewPacketConn(c), ipv4.NewPacketConn(peer)
		if of(c).Addr().Is6() {
			p, theirs = ipv6.NewPacketConn(c), ipv6.NewPacketConn(peer)
		}
		if _, err := theirs.WriteBatch([]ipv4.Message{{Buffers: [][]byte{{}}, Addr: c.LocalAddr()}}, 0); err != nil {
			t.Skip("golang.org/x/net has no batches here:", err)
		}
		_, _, err := c.ReadFrom(nil)
		ok(t, err)
		ms := make([]ipv4.Message, 4)
		for i := range ms {
			ms[i].Buffers = [][]byte{fmt.Append(nil, i)}
			ms[i].Addr = net.UDPAddrFromAddrPort(of(peer))
		}
		for sent := 0; sent < len(ms); {
			n, err := p.WriteBatch(ms[sent:], 0)
			ok(t, err)
			sent += n
		}
		hear(t, peer, "0", "1", "2", "3")
		tell(t, peer, of(c), "a", "", "b")
		var got []string
		for len(got) < 3 {
			for i := range ms {
				ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 8)}}
			}
			n, err := p.ReadBatch(ms, 0)
			ok(t, err)
			for _, m := range ms[:n] {
				got = append(got, string(m.Buffers[0][:m.N]))
				same(t, "sender", m.Addr.String(), of(peer).String())
			}
		}
		same(t, "payloads", fmt.Sprintf("%q", got), `["a" "" "b"]`)
	},
}

// A caller knows its buffers by their place, also where a datagram between them was not
// let in.
func TestReadBatchLeavesBuffersWhereTheyAre(t *testing.T) {
	list := netip.MustParsePrefix("127.0.0.99/32")
	netlab.RequireAddress(t, list.Addr())
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(list))
	v, good, bad := s.PacketConn(), listen(t, "udp4", "127.0.0.1:0"), listen(t, "udp4", "127.0.0.99:0")
	want := []string{"first", "second, in two buffers", "third"}
	for _, text := range []string{"", want[0], "", "", want[1], want[2]} {
		if text == "" {
			send(t, bad, at(t, s), "not let in")
		} else {
			send(t, good, at(t, s), text)
		}
	}
	ms := make([]ipv4.Message, 8)
	var first []*byte
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 8), make([]byte, 64)}
		first = append(first, &ms[i].Buffers[0][0])
	}
	for got := 0; got < len(want); { // elsewhere than on Linux one by one
		n, err := v.ReadBatch(ms[got:], 0)
		ok(t, err)
		for _, m := range ms[got:][:n] {
			same(t, "buffer", &m.Buffers[0][0], first[got])
			same(t, "sender", m.Addr.String(), at(t, good).String())
			same(t, "payload", string(slices.Concat(m.Buffers...)[:m.N]), want[got])
			got++
		}
	}
	same(t, "DroppedBlocked", s.Stats().DroppedBlocked, 3)
}
