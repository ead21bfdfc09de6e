package sim

import (
	"net/netip"
	"slices"

	"example.com/dgram/internal/posix"
)

// Linux' ip_local_port_range. Ports are given out in order, so that a run has
// the ports that the last one had.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// bind takes a port for c, a free one where local says 0, and the address.
func (h *Host) bind(c *Conn, local netip.AddrPort) error {
	a := local.Addr()
	if zone := a.Zone(); zone != "" {
		// sin6_scope_id binds to the device, whatever device there was.
		if c.device = h.zone(zone); c.device == nil {
			return zoneError(zone)
		}
	}
	switch {
	case !a.IsValid() || a.IsUnspecified():
		a = c.wildcard()
	case !c.speaks(a):
		return call("bind", posix.EINVAL)
	case !h.bindable(c, a):
		return call("bind", posix.EADDRNOTAVAIL)
	}
	c.bound = a.WithZone("")
	c.local = c.bound
	port := local.Port()
	if port == 0 {
		if port = h.freePort(c); port == 0 {
			return call("bind", posix.EADDRINUSE)
		}
	} else if h.conflict(c, port) {
		return call("bind", posix.EADDRINUSE)
	}
	c.port = port
	if c.inet6 && c.cfg.ReusePort { // sk_add_node_rcu
		h.ports[port] = append(h.ports[port], c)
	} else {
		h.ports[port] = slices.Insert(h.ports[port], 0, c)
	}
	return nil
}

// bindable reports whether a socket may have an address: one of the host's, a
// group or a broadcast address.
func (h *Host) bindable(c *Conn, a netip.Addr) bool {
	if i := h.owns(a); i != nil {
		switch {
		case a.Is4():
			return true
		case c.device != nil && c.device != i && (a.IsLoopback() || a.IsLinkLocalUnicast()):
			return false
		}
		return !a.IsLinkLocalUnicast() || a.Zone() != "" || c.device != nil
	}
	return a.IsMulticast() || h.broadcastOn(a) != nil
}

// freePort is the next port on which no socket is, 0 where there is none.
func (h *Host) freePort(c *Conn) uint16 {
	for range lastEphemeral - firstEphemeral + 1 {
		if h.ephemeral++; h.ephemeral > lastEphemeral || h.ephemeral < firstEphemeral {
			h.ephemeral = firstEphemeral
		}
		if !slices.ContainsFunc(h.ports[h.ephemeral], func(o *Conn) bool { return c.overlaps(o) }) {
			return h.ephemeral
		}
	}
	return 0
}

// conflict reports whether another socket keeps c from a port (Linux'
// udp_lib_lport_inuse): the newest one that overlaps decides.
func (h *Host) conflict(c *Conn, port uint16) bool {
	for _, o := range h.ports[port] {
		if !(c.cfg.ReuseAddr && o.cfg.ReuseAddr) && c.overlaps(o) {
			return !c.cfg.ReusePort || !o.cfg.ReusePort
		}
	}
	return false
}

// overlaps reports whether a datagram could be for both sockets, as Linux sees
// it when c is bound after o (inet_rcv_saddr_equal).
func (c *Conn) overlaps(o *Conn) bool {
	if c.device != nil && o.device != nil && c.device != o.device {
		return false
	}
	switch a, b := c.local, o.local; {
	case !c.inet6 && a.IsUnspecified() && o.inet6 && o.bound.IsUnspecified():
		return !o.cfg.IPv6Only // although it is connected to an IPv6 address
	case a.IsUnspecified() && b.IsUnspecified():
		return c.speaks(b) || o.speaks(a)
	case a.IsUnspecified():
		return c.speaks(b)
	case b.IsUnspecified():
		return o.speaks(a)
	default:
		return a == b
	}
}

// speaks reports whether the socket can have datagrams of a's family.
func (c *Conn) speaks(a netip.Addr) bool {
	if a.Is4() {
		return !c.inet6 || !c.cfg.IPv6Only
	}
	return c.inet6
}

// release gives the port up.
func (h *Host) release(c *Conn) {
	rest := slices.DeleteFunc(h.ports[c.port], func(o *Conn) bool { return o == c })
	if len(rest) == 0 {
		delete(h.ports, c.port)
	} else {
		h.ports[c.port] = rest
	}
}

// lookup finds the one socket that a unicast datagram is for: the one that says
// most about it, and among equals the newest, or one of a SO_REUSEPORT group
// by the addresses.
func (h *Host) lookup(src, dst netip.AddrPort, in *Interface) *Conn {
	var best *Conn
	score := -1
	for _, c := range h.ports[dst.Port()] {
		if s := c.score(src, dst, in); s > score {
			best, score = c, s
		}
	}
	if best == nil || !best.cfg.ReusePort || best.peer.IsValid() {
		return best
	}
	var group []*Conn
	for _, c := range h.ports[dst.Port()] {
		if c.cfg.ReusePort && c.score(src, dst, in) == score {
			group = append(group, c)
		}
	}
	slices.Reverse(group) // in the order of binding
	return group[mix(flowKey{src, dst}.hash())%uint64(len(group))]
}

// score says how well a socket fits a unicast datagram, -1 for not at all.
func (c *Conn) score(src, dst netip.AddrPort, in *Interface) int {
	score := 0
	switch {
	case !c.speaks(dst.Addr()) || c.deaf || c.draining && c.cfg.ReusePort:
		return -1
	case c.local.IsUnspecified():
	case c.local == dst.Addr():
		score += 16
	default:
		return -1
	}
	if c.peer.IsValid() {
		if !c.from(src, in) {
			return -1
		}
		score += 8
	}
	if c.device != nil {
		if c.device != in {
			return -1
		}
		score += 4
	}
	if !c.inet6 {
		score++
	}
	return score
}

// from reports whether a sender is the peer.
func (c *Conn) from(src netip.AddrPort, in *Interface) bool {
	peer := c.peer
	return peer.Port() == src.Port() && peer.Addr().WithZone("") == src.Addr() &&
		(peer.Addr().Zone() == "" || in == nil || c.host.zone(peer.Addr().Zone()) == in)
}

// hears reports whether a socket has a copy of a group's or a broadcast
// datagram.
func (c *Conn) hears(p *packet) bool {
	dst := p.dst.Addr()
	switch {
	case !c.speaks(dst) || c.deaf || c.draining,
		!c.local.IsUnspecified() && c.local != dst,
		c.peer.IsValid() && !c.from(p.src, p.in),
		c.device != nil && c.device != p.in:
		return false
	}
	return p.cast == broadcast || c.groups.admit(dst, p.in.index, p.src.Addr())
}
