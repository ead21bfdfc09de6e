package sim

import "net/netip"

// reach is a packet at the end of its link. The caller holds the mutex.
func (n *Network) reach(p *packet) {
	switch {
	case p.host == nil:
		n.unreachable(p)
		return
	case n.cuts[direction{p.origin, p.host}]:
		n.end(p, Partitioned)
		return
	}
	if p.via != nil {
		if o := p.via.inbound(n.now(), p); o != Delivered {
			n.end(p, o)
			return
		}
		if p.in = p.via.inside.addrs[p.dst.Addr()]; p.in == nil {
			n.end(p, NoHost)
			return
		}
		p.host = p.in.host
	}
	if !p.datagram() {
		n.record(p, inbound, "")
		p.host.hearReport(p)
		return
	}
	h := p.host
	if p.cast == unicast {
		c := h.lookup(p.src, p.dst, p.in)
		if c == nil {
			n.record(p, inbound, "refused")
			n.end(p, Refused)
			h.refuse(p)
			return
		}
		if c.draining {
			n.finish(p, Drained)
		} else {
			n.finish(p, c.accept(p))
		}
		return
	}
	outcome := Unheard
	for _, c := range h.ports[p.dst.Port()] {
		if !c.hears(p) {
			continue
		}
		// Each socket of the host has a copy of its own.
		if outcome != Unheard {
			n.ledger.totals.Copied++
			n.end(p, outcome)
		}
		outcome = c.accept(p)
	}
	n.finish(p, outcome)
}

// finish records a datagram that has reached its host.
func (n *Network) finish(p *packet, o Outcome) {
	comment := ""
	if o != Delivered {
		comment = o.String()
	}
	n.record(p, inbound, comment)
	n.end(p, o)
}

// accept puts a datagram into the receive buffer.
func (c *Conn) accept(p *packet) Outcome {
	r := received{
		data: p.data,
		from: netip.AddrPortFrom(c.zoned(p.src.Addr(), p.in), p.src.Port()),
		in:   p.in.index, tos: p.tos, ttl: p.ttl,
		at:        c.host.n.start.Add(c.host.n.now()),
		to:        p.dst.Addr(),
		different: p.cast != unicast,
		charge:    truesize(p),
	}
	if p.cast == unicast {
		r.to = c.zoned(r.to, p.in)
	}
	if !c.queue.put(r) {
		c.drops++
		return BufferFull
	}
	ring(c.wake)
	return Delivered
}
