package sim

import (
	"net"
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// Limits of a payload, as the length fields of IP and UDP make them.
const (
	maxPayload4 = 65507
	maxPayload6 = 65527
)

// SendTo sends b to an address, or to the peer.
func (c *Conn) SendTo(b []byte, to netip.AddrPort) error {
	return c.locked(func() error {
		c.calls.Write++
		return c.send(&kernel.Datagram{Data: b, To: to}, first)
	})
}

// Send is SendTo for a Datagram of any kind. Control messages in oob are passed
// over: they are for a descriptor.
func (c *Conn) Send(d *kernel.Datagram, _ []byte) error {
	return c.locked(func() error {
		c.calls.Write++
		return c.send(d, first)
	})
}

// burst is the number of datagrams at the beginning of ds that Linux would send as
// one burst (UDP_SEGMENT): of one size, but that the last may be shorter. The
// first has been sent, so that the MTU of its way is known.
func (c *Conn) burst(ds []kernel.Datagram) int {
	d := &ds[0]
	size, n, bytes := len(d.Data), 1, len(d.Data)
	if size == 0 || len(d.More) > 0 || c.last.mtu > 0 && packetSize(c.last.dst, size) > c.last.mtu {
		return 1
	}
	for n < maxSegments && n < len(ds) {
		next := &ds[n]
		if len(next.Data) == 0 || len(next.Data) > size || bytes+len(next.Data) > maxBurst || len(next.More) > 0 ||
			next.To != d.To || next.From != d.From || next.Interface != d.Interface || next.TOS != d.TOS || next.TTL != d.TTL {
			break
		}
		n++
		bytes += len(next.Data)
		if len(next.Data) < size {
			break
		}
	}
	return n
}

// SendBatch sends ds in order. A pending error is the error of a call's first
// datagram; on a later one it is lost, as sendmmsg(2) loses it.
func (c *Conn) SendBatch(ds []kernel.Datagram) (sent int, err error) {
	err = c.locked(func() error {
		for burst := 0; sent < len(ds); sent++ {
			as := inBurst
			if sent >= burst {
				as = later
			}
			if sent%maxSegments == 0 {
				as = first
				c.calls.Write++
			}
			if err := c.send(&ds[sent], as); err != nil {
				return err
			}
			if as != inBurst {
				burst = sent + c.burst(ds[sent:])
			}
		}
		return nil
	})
	return sent, err
}

// SendWait waits for room in the send buffer. A send that is stopped at the instant
// at which there is room has been sent.
func (c *Conn) SendWait(d *kernel.Datagram, _ []byte, stop <-chan struct{}) error {
	for stopped := false; ; {
		var until time.Duration
		err := c.locked(func() error {
			c.calls.Write++
			err := c.send(d, first)
			if err == errEAGAIN {
				until = c.departs[0].at - c.host.n.now()
			}
			return err
		})
		switch {
		case err != errEAGAIN:
			return err
		case stopped:
			return kernel.ErrStopped
		}
		timer := time.NewTimer(until)
		select {
		case <-timer.C:
		case <-c.room:
		case <-stop:
			stopped = true
		case <-c.done:
			timer.Stop()
			return net.ErrClosed
		}
		timer.Stop()
	}
}

// Datagrams is the number of datagrams that a send makes: one.
func (c *Conn) Datagrams(int, []byte) int { return 1 }

// lastRoute is the route of the last datagram: the next mostly has the same.
type lastRoute struct {
	route
	to   netip.Addr
	from netip.Addr
	out  int
	mtu  int
	topo uint64
	set  bool
}

// rank is the place of a datagram in the call that sends it.
type rank int

const (
	first   rank = iota
	later        // a pending error is lost on it
	inBurst      // with the one before it: it asks for nothing
)

// send hands a datagram to the network. The caller holds the mutex.
func (c *Conn) send(d *kernel.Datagram, as rank) error {
	n := c.host.n
	to := d.To
	if !to.IsValid() {
		if to = c.peer; !to.IsValid() {
			return call("sendmsg", posix.EDESTADDRREQ)
		}
	}
	bytes := d.Len()
	switch {
	case d.Interface < 0:
		return call("sendmsg", posix.EINVAL)
	case d.From.IsValid() && d.From.Is4() != to.Addr().Is4(), !c.inet6 && !to.Addr().Is4():
		return call("sendmsg", posix.EAFNOSUPPORT)
	case to.Port() == 0:
		return call("sendmsg", posix.EINVAL)
	case !c.speaks(to.Addr()):
		return call("sendmsg", posix.ENETUNREACH)
	}
	r := &c.last
	if !r.set || r.to != to.Addr() || r.from != d.From || r.out != d.Interface || r.topo != n.topo {
		found, err := c.route(to.Addr(), d.From, d.Interface)
		if err != nil {
			return shaped("sendmsg", err)
		}
		*r = lastRoute{route: found, to: to.Addr(), from: d.From, out: d.Interface, topo: n.topo, set: true}
		r.mtu = n.mtu(c.host, &r.route)
	}
	if r.dst.Is4() && bytes > maxPayload4 || bytes > maxPayload6 {
		return call("sendmsg", posix.EMSGSIZE)
	}
	p := &packet{
		src: netip.AddrPortFrom(r.src, c.port), dst: netip.AddrPortFrom(r.dst, to.Port()),
		tos: uint8(c.tos), ttl: uint8(c.ttl), df: c.cfg.DontFragment,
		origin: c.host, out: r.route.out, cast: r.cast, sent: n.now(),
	}
	if r.cast == multicast {
		p.ttl = uint8(c.groups.ttl)
	}
	if d.TOS != 0 {
		p.tos = d.TOS
	}
	if d.TTL != 0 {
		p.ttl = d.TTL
	}
	p.follows = as == inBurst
	p.from = netip.AddrPortFrom(c.zoned(r.src, r.route.out), c.port)
	near := r.route.out
	if r.self && !r.src.IsLoopback() {
		near = r.in
	}
	p.to = netip.AddrPortFrom(c.zoned(r.dst, near), to.Port())
	if r.in != nil {
		p.host, p.in = r.in.host, r.in
		if r.self && (r.zero || r.dst.IsLoopback()) {
			p.in = c.host.interfaces[0]
		}
	}
	if p.df && r.mtu > 0 && packetSize(r.dst, bytes) > r.mtu {
		return call("sendmsg", posix.EMSGSIZE)
	}
	if as != inBurst {
		if err := c.takePending("sendmsg"); err != nil && as == first {
			return err
		}
		if !c.hasRoom() {
			return errEAGAIN
		}
	}
	p.data = make([]byte, 0, bytes)
	p.data = append(p.data, d.Data...)
	for _, part := range d.More {
		p.data = append(p.data, part...)
	}
	err := c.emit(p, &r.route)
	if err == nil {
		n.ledger.totals.Sent++
	}
	return err
}

// hasRoom reports whether the send buffer takes one more datagram: Linux looks
// whether it is full before it adds one.
func (c *Conn) hasRoom() bool {
	now := c.host.n.now()
	gone := 0
	for gone < len(c.departs) && c.departs[gone].at <= now {
		c.charged -= c.departs[gone].bytes
		gone++
	}
	c.departs = c.departs[gone:]
	return c.charged < c.sendSize
}

// hold charges a datagram to the send buffer until it has left the link's
// queue.
func (c *Conn) hold(p *packet, l *link, departs time.Duration) {
	bytes := truesize(p)
	c.charged += bytes
	at := len(c.departs)
	for at > 0 && c.departs[at-1].at > departs { // another link is faster
		at--
	}
	c.departs = append(c.departs, departure{})
	copy(c.departs[at+1:], c.departs[at:])
	c.departs[at] = departure{departs, bytes, l}
}
