package sim

import (
	"net/netip"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// A route is how a socket reaches a destination.
type route struct {
	dst  netip.Addr // without zone; loopback for an unspecified one
	src  netip.Addr
	out  *Interface
	cast cast
	self bool       // an address of this host
	zero bool       // the destination was 0.0.0.0
	in   *Interface // of a unicast destination that is found without a NAT's ports
	via  *NAT       // a NAT has the destination, alone or together with in
	gate []*NAT     // NATs on the way out
	link bool       // on the segment of out
}

var limited = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// broadcastOn finds the interface that has a as a broadcast address; for the
// limited one, the outward interface.
func (h *Host) broadcastOn(a netip.Addr) *Interface {
	if !a.Is4() {
		return nil
	}
	if a == limited {
		return h.outward(a)
	}
	for _, i := range h.interfaces {
		for _, p := range i.addrs {
			if p.Addr().Is4() && p.Bits() < 31 && a == last(p) {
				return i
			}
		}
	}
	return nil
}

// last is the last address of an IPv4 prefix.
func last(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(a)
}

// route finds the way to a destination, from an address and through an
// interface if they are given.
func (c *Conn) route(to, from netip.Addr, index int) (r route, err error) {
	h := c.host
	device := c.device
	if to.Is4() && c.bound.Is6() && !c.bound.IsUnspecified() {
		return r, posix.ENETUNREACH
	}
	if zone := to.Zone(); zone != "" {
		zoned := h.zone(zone)
		switch {
		case zoned == nil:
			return r, zoneError(zone)
		case device != nil && device != zoned, index != 0 && index != zoned.index:
			return r, posix.EINVAL
		}
		device = zoned
	}
	if index, err = kernel.SourceIndex(from, index, h.zoneIndex); err != nil {
		return r, err
	}
	if from.Is4() {
		if from.IsMulticast() || from == limited {
			return r, posix.EINVAL
		} else if i := h.owns(from); i == nil {
			return r, posix.ENETUNREACH
		}
	}
	if index != 0 {
		if to.Is6() && device != nil && device.index != index {
			return r, posix.EINVAL
		}
		if device = h.numbered(index); device == nil {
			return r, posix.ENODEV
		}
	}
	if r.dst = to.WithZone(""); r.dst == netip.IPv6Unspecified() {
		r.dst = loopback6.Addr()
	}
	if !from.IsValid() && c.local.Is4() == r.dst.Is4() && (index == 0 || r.dst.Is6()) {
		// IPv4's packet info is taken as a whole: without an address, the
		// interface's (ip(7)).
		if i := h.owns(c.local); i != nil {
			from = c.local
		} else if c.connected.IsValid() {
			from = c.connected
		}
	} else if from.IsValid() {
		if i := h.owns(from.WithZone("")); i == nil {
			return r, posix.EINVAL
		}
		from = from.WithZone("")
		if narrow := from.Is6() && (from.IsLoopback() || from.IsLinkLocalUnicast()); narrow && device != nil {
			if i := h.owns(from); i != device {
				return r, posix.EINVAL
			}
		} else if narrow && from.IsLinkLocalUnicast() {
			return r, posix.EINVAL
		}
	}
	if r.dst.IsUnspecified() { // IPv4's is the host that sends
		r.zero = true
		if r.dst = from; !from.IsValid() {
			r.dst = loopback4.Addr()
		}
	}
	if err := c.leave(&r, device, from); err != nil {
		return r, err
	}
	r.src = from
	if !from.IsValid() {
		if r.src = h.source(&r); !r.src.IsValid() {
			return r, posix.ENETUNREACH
		}
	}
	switch {
	case r.src.Is4() && r.src.IsLoopback() && !r.out.Loopback():
		return r, posix.EINVAL
	case r.cast == broadcast && !c.broadcast:
		return r, posix.EACCES
	}
	return r, nil
}

// leave finds the interface that a datagram leaves by and the owner of its
// destination.
func (c *Conn) leave(r *route, device *Interface, from netip.Addr) error {
	h := c.host
	if r.dst.IsMulticast() {
		r.cast = multicast
		r.out = h.groupOut(c, r.dst, device, from)
		if r.out == nil || r.dst.Is6() && r.out.Loopback() {
			return posix.ENETUNREACH
		}
		return nil
	}
	if i := h.broadcastOn(r.dst); i != nil {
		r.cast, r.out = broadcast, i
		if device != nil {
			r.out = device
		} else if r.dst == limited && from.IsValid() {
			r.out = h.owns(from)
		}
		return nil
	}
	if i := h.owns(r.dst); i != nil {
		switch {
		case r.dst.IsLinkLocalUnicast() && r.dst.Is6() && device == nil:
			return posix.EINVAL
		case r.dst.Is6() && device != nil && device != i:
			return posix.ENETUNREACH
		}
		r.out, r.in, r.self, r.link = h.interfaces[0], i, true, true
		return nil
	}
	if r.dst.IsLinkLocalUnicast() && r.dst.Is6() {
		if device == nil {
			return posix.EINVAL
		}
		r.out, r.link = device, true
		r.in = h.n.linkLocal(device, r.dst)
		return nil
	}
	r.out, r.link = h.onLink(r.dst, device)
	if r.out == nil {
		if r.out = device; r.out == nil {
			r.out = h.outward(r.dst)
		}
	}
	if r.out == nil || r.out.Loopback() {
		return posix.ENETUNREACH
	}
	if !h.find(r) && !r.link {
		return posix.ENETUNREACH
	}
	return nil
}

// groupOut is the interface by which a group's datagram leaves.
func (h *Host) groupOut(c *Conn, group netip.Addr, device *Interface, from netip.Addr) *Interface {
	switch {
	case device != nil:
		return device
	case c.groups.out != 0:
		return h.numbered(c.groups.out)
	case from.Is4():
		i := h.owns(from)
		return i
	}
	return h.outward(group)
}

// onLink finds the interface with the longest prefix that has a destination.
func (h *Host) onLink(dst netip.Addr, device *Interface) (out *Interface, found bool) {
	bits := -1
	for _, i := range h.interfaces[1:] {
		if device != nil && i != device {
			continue
		}
		for _, p := range i.addrs {
			if p.Contains(dst) && p.Bits() > bits {
				out, bits = i, p.Bits()
			}
		}
	}
	return out, out != nil
}

// find finds the owner of a unicast destination: a host or a NAT of the realm, or of
// one beyond the NATs that the realm is behind.
func (h *Host) find(r *route) bool {
	for realm := h.realm(r.dst); ; realm = realm.gate.outer {
		r.in, r.via = realm.addrs[r.dst], realm.nats[r.dst]
		if r.in != nil || r.via != nil {
			return true
		}
		if realm.gate == nil {
			return false
		}
		r.gate = append(r.gate, realm.gate)
	}
}

// linkLocal finds the interface on a segment that has a link-local address.
func (n *Network) linkLocal(out *Interface, a netip.Addr) *Interface {
	for _, h := range n.hosts {
		for _, i := range h.interfaces[1:] {
			for _, p := range i.addrs {
				if p.Addr() == a && i.host != out.host && out.neighbour(i) {
					return i
				}
			}
		}
	}
	return nil
}
