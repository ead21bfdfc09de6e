package udptest_test

import (
	"encoding/binary"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// target is the address of a target, for a socket of a host.
func (s *side) target(t target, host int) (netip.AddrPort, bool) {
	if t.addr == "" {
		return netip.AddrPort{}, true
	}
	port := t.port
	if t.socket >= 0 {
		c := s.conns[t.socket]
		if c == nil {
			return netip.AddrPort{}, false
		}
		a, err := c.LocalAddr()
		if err != nil {
			return netip.AddrPort{}, false
		}
		port = a.Port()
	}
	return netip.AddrPortFrom(netip.MustParseAddr(resolve(t.addr, host, s.local)), port), true
}

func (s *side) send(number int, st step, c kernel.Conn, host int) []string {
	to, known := s.target(st.to, host)
	peer, err := c.RemoteAddr()
	if at := to; known && !at.IsValid() && err == nil {
		known = s.straight(st.socket, st.iface, peer)
	}
	if !known || to.IsValid() && (!fits(c, to) || !s.straight(st.socket, st.iface, to)) {
		return []string{"no target"}
	}
	var from netip.Addr
	if st.from != "" {
		from = netip.MustParseAddr(resolve(st.from, host, s.local))
		if at := to; at.IsValid() && at.Addr().Is4() != from.Is4() || !at.IsValid() && (err != nil || peer.Addr().Is4() != from.Is4()) {
			return []string{"no source"}
		}
	}
	var ds []kernel.Datagram
	for i, size := range st.sizes {
		data := make([]byte, size)
		if size >= 8 {
			binary.BigEndian.PutUint64(data, uint64(number)<<32|uint64(i))
		}
		ds = append(ds, kernel.Datagram{Data: data, To: to, From: from, Interface: s.indexOf(host, st.iface), TOS: st.tos, TTL: st.ttl})
	}
	return s.sendAll(st.socket, c, ds)
}

// sendAll sends as package udp does: an errno is a datagram's own if it comes
// again while nothing is pending. It says what became of each.
func (s *side) sendAll(socket int, c kernel.Conn, ds []kernel.Datagram) (got []string) {
	for i := 0; i < len(ds); {
		var n int
		var err error
		if len(ds) == 1 {
			if err = c.Send(&ds[0], nil); err == nil {
				n = 1
			}
		} else {
			n, err = c.SendBatch(ds[i:])
		}
		for range n {
			got = append(got, "ok")
		}
		i += n
		s.hear(socket, c)
		if err == nil || err == kernel.ErrPending {
			continue
		}
		again := c.Send(&ds[i], nil)
		s.hear(socket, c)
		if again == nil && !s.queues[socket] {
			s.heard[socket] = append(s.heard[socket], outcome(err)...)
		}
		got = append(got, outcome(again)...)
		i++
	}
	return got
}
