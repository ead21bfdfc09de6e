package sim

import "net/netip"

// source chooses the address that a datagram is from.
func (h *Host) source(r *route) netip.Addr {
	switch {
	case r.self && r.dst.IsLoopback():
		if r.dst.Is4() {
			return loopback4.Addr()
		}
		return r.dst
	case r.self:
		return r.dst
	}
	if i := h.outward(r.dst); r.dst.IsMulticast() && r.out.Loopback() && i != nil {
		other := *r // addresses of lo are for the host alone
		other.out = i
		return h.source(&other)
	}
	var first, inPrefix, scoped netip.Addr
	local := r.dst.IsLinkLocalUnicast() || r.dst.IsLinkLocalMulticast() || r.dst.IsInterfaceLocalMulticast()
	for _, p := range r.out.addrs {
		a := p.Addr()
		switch {
		case a.Is4() != r.dst.Is4():
			continue
		case !first.IsValid():
			first = a
		}
		if p.Contains(r.dst) && !inPrefix.IsValid() {
			inPrefix = a
		}
		if a.IsLinkLocalUnicast() == local && !scoped.IsValid() {
			scoped = a
		}
	}
	switch {
	case inPrefix.IsValid():
		return inPrefix
	case r.dst.Is6() && scoped.IsValid():
		return scoped
	case first.IsValid():
		return first
	}
	// The interface has no address of the family: one of another has to do.
	if i := h.outward(r.dst); i != nil && i != r.out {
		other := *r
		other.out = i
		return h.source(&other)
	}
	if r.out.Loopback() || r.cast == multicast {
		if r.dst.Is4() {
			return loopback4.Addr()
		}
		return loopback6.Addr()
	}
	return netip.Addr{}
}

// loopbackMTU is that of Linux' lo.
const loopbackMTU = 65536

// mtu is the smallest MTU on the way, 0 for no limit.
func (n *Network) mtu(h *Host, r *route) int {
	if r.cast == unicast {
		switch {
		case r.self:
			return loopbackMTU
		case r.in == nil:
			return 0
		}
		if l := n.links[direction{h, r.in.host}]; l != nil {
			return l.MTU
		}
		return 0
	}
	if r.out.Loopback() {
		return loopbackMTU
	}
	least := 0
	for _, o := range n.hosts {
		l := n.links[direction{h, o}]
		if l != nil && l.MTU > 0 && (least == 0 || l.MTU < least) && o.onSegment(r.out) {
			least = l.MTU
		}
	}
	return least
}

// onSegment reports whether the host is on the segment of another's interface.
func (h *Host) onSegment(out *Interface) bool {
	for _, i := range h.interfaces[1:] {
		if out.neighbour(i) {
			return true
		}
	}
	return false
}
