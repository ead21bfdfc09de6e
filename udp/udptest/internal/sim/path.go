package sim

import (
	"time"

	"example.com/dgram/internal/posix"
)

// emit sends a packet on its way, or refuses it with an error.
func (c *Conn) emit(p *packet, r *route) error {
	n, h := c.host.n, c.host
	if p.src.Addr().IsLoopback() && !p.out.Loopback() {
		n.record(p, outbound, Martian.String())
		n.end(p, Martian)
		return nil
	}
	if p.cast != unicast {
		c.spread(p)
		return nil
	}
	now := n.now()
	for _, gate := range r.gate {
		if !gate.outbound(now, p) {
			n.record(p, outbound, HopsExceeded.String())
			n.end(p, HopsExceeded)
			h.hear(p, posix.EHOSTUNREACH)
			return nil
		}
	}
	if r.via != nil {
		if m := r.via.in[p.dst.Port()]; m != nil {
			if in := r.via.inside.addrs[m.key.inside.Addr()]; in != nil {
				p.via, p.in, p.host = r.via, in, in.host
			}
		}
		if p.host == nil {
			n.record(p, outbound, NoMapping.String())
			n.end(p, NoMapping)
			return nil
		}
	}
	if p.host == nil {
		n.record(p, outbound, NoHost.String())
		n.schedule(now+resolution, p) // neighbours are asked three times
		return nil
	}
	return n.cross(c, p)
}

// resolution is how long Linux looks for a neighbour: three probes, a second
// apart.
const resolution = 3 * time.Second

// cross takes a packet over the link to its host. What it refuses with an error has
// neither a number nor a fate.
func (n *Network) cross(c *Conn, p *packet) error {
	if p.host == p.origin {
		n.record(p, outbound, "")
		n.reach(p)
		return nil
	}
	way := direction{p.origin, p.host}
	if n.cuts[way] {
		n.record(p, outbound, Partitioned.String())
		n.end(p, Partitioned)
		return nil
	}
	l := n.links[way]
	if l == nil {
		n.record(p, outbound, "")
		n.reach(p)
		return nil
	}
	if p.df && l.MTU > 0 && packetSize(p.dst.Addr(), len(p.data)) > l.MTU {
		n.record(p, outbound, TooLong.String()) // behind a NAT, where the host did not know
		n.end(p, TooLong)
		return nil
	}
	now := n.now()
	if c != nil && c.cfg.ICMPErrors && p.cast == unicast && l.full(now, len(p.data)) {
		return call("sendmsg", posix.ENOBUFS) // ip_send_skb, with IP_RECVERR: the caller still has the datagram
	}
	p.mtu = l.MTU
	x := l.cross(n, now, p)
	if c != nil && x.departs > now {
		c.hold(p, l, x.departs)
	}
	if x.lost != Delivered {
		n.record(p, outbound, x.lost.String())
		n.end(p, x.lost)
		return nil
	}
	n.record(p, outbound, "")
	if x.mark && (p.tos&3 == 1 || p.tos&3 == 2) {
		p.tos |= 3
	}
	if x.again && p.datagram() {
		again := *p
		again.duplicate = true
		n.ledger.totals.Copied++
		defer n.land(x.duplicate, &again)
	}
	if x.corrupt >= 0 {
		p.corrupt = true
		p.data = append([]byte(nil), p.data...)
		p.data[x.corrupt/8] ^= 1 << (x.corrupt % 8)
	}
	n.land(x.at, p)
	return nil
}

// land makes a packet arrive at a time: at once if that is now.
func (n *Network) land(at time.Duration, p *packet) {
	if at <= n.now() {
		n.reach(p)
		return
	}
	n.schedule(at, p)
}

// spread copies a group's or a broadcast datagram to every host of the segment.
func (c *Conn) spread(p *packet) {
	n, h := c.host.n, c.host
	copies := 0
	send := func(to *Host, in *Interface) {
		one := *p
		one.host, one.in = to, in
		if copies++; copies > 1 {
			n.ledger.totals.Copied++
		}
		_ = n.cross(c, &one)
	}
	local := p.cast == broadcast || c.groups.loop
	if local && h.interested(p, p.out) {
		send(h, p.out)
	}
	if !p.out.Loopback() && p.ttl > 0 {
		for _, o := range n.hosts {
			if o == h {
				continue
			}
			for _, i := range o.interfaces[1:] {
				if p.out.neighbour(i) {
					send(o, i)
					break
				}
			}
		}
	}
	if copies == 0 {
		n.record(p, outbound, Unheard.String())
		n.end(p, Unheard)
	}
}

// interested reports whether a socket of the host would hear a packet.
func (h *Host) interested(p *packet, in *Interface) bool {
	one := *p
	one.in = in
	for _, c := range h.ports[p.dst.Port()] {
		if c.hears(&one) {
			return true
		}
	}
	return false
}
