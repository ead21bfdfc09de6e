package sim

import (
	"net/netip"

	"example.com/dgram/internal/posix"
)

// Connect sets the peer.
func (c *Conn) Connect(peer netip.AddrPort) error {
	return c.locked(func() error { return c.connect(peer) })
}

func (c *Conn) connect(peer netip.AddrPort) error {
	if !c.speaks(peer.Addr()) {
		return call("connect", posix.ENETUNREACH)
	}
	r, err := c.route(peer.Addr(), netip.Addr{}, 0)
	if err != nil {
		return shaped("connect", err)
	}
	a := r.dst
	if zone := peer.Addr().Zone(); zone != "" {
		i := c.host.zone(zone)
		a, c.device = a.WithZone(i.name), i // until Disconnect
	}
	c.peer = netip.AddrPortFrom(a, peer.Port())
	c.local = c.bound
	c.connected = r.src
	c.sifting = true
	if c.local.IsUnspecified() {
		c.local = r.src
	}
	c.last = lastRoute{}
	return nil
}

// sift drops what others than the peer had queued when the socket was connected.
// A read does that, as on Linux: where none comes before Disconnect, nothing is
// lost.
func (c *Conn) sift() {
	if c.sifting {
		c.strangers += uint64(c.queue.keep(func(r *received) bool { return r.from == c.peer }))
		c.sifting = false
	}
}

// Disconnect forgets the peer and gives the address local back.
func (c *Conn) Disconnect(local netip.AddrPort) error {
	return c.locked(func() error {
		c.peer = netip.AddrPort{}
		c.local, c.device = c.bound, c.own
		c.connected, c.sifting = netip.Addr{}, false
		c.last = lastRoute{}
		return nil
	})
}

// LocalAddr is what the socket is bound to, or what connecting made of it.
func (c *Conn) LocalAddr() (a netip.AddrPort, err error) {
	err = c.locked(func() error {
		a = netip.AddrPortFrom(c.zoned(c.local, c.device), c.port)
		return nil
	})
	return a, err
}

// zoned adds the zone that a link-local address needs.
func (c *Conn) zoned(a netip.Addr, i *Interface) netip.Addr {
	if !a.Is6() || !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() && !a.IsInterfaceLocalMulticast() {
		return a
	}
	if i == nil {
		i = c.host.owns(a)
	}
	if i == nil {
		return a
	}
	return a.WithZone(i.name)
}

// RemoteAddr is the peer.
func (c *Conn) RemoteAddr() (a netip.AddrPort, err error) {
	err = c.locked(func() error {
		if a = c.peer; !a.IsValid() {
			return call("getpeername", posix.ENOTCONN)
		}
		return nil
	})
	return a, err
}

// Index resolves a zone on the host.
func (c *Conn) Index(zone string) (index int, err error) {
	err = c.locked(func() (err error) {
		index, err = c.host.zoneIndex(zone)
		return err
	})
	return index, err
}
