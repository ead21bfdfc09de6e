package sim

import (
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// Groups is the multicast side of the socket.
func (c *Conn) Groups() kernel.Groups { return groupOptions{c} }

var _ kernel.GroupConn = (*Conn)(nil)

type groupOptions struct{ c *Conn }

func (o groupOptions) set(f func(g *groups) error) error {
	return o.c.locked(func() error { return shaped("setsockopt", f(&o.c.groups)) })
}

// on resolves the interface of a membership: without one, that of the route.
func (o groupOptions) on(m kernel.Member) (int, error) {
	h := o.c.host
	i := h.numbered(m.Interface)
	if m.Interface == 0 {
		i = h.outward(m.Group)
	}
	switch {
	case !m.Group.IsMulticast():
		return 0, posix.EINVAL
	case i == nil:
		return 0, posix.ENODEV
	}
	return i.index, nil
}

func (o groupOptions) Join(m kernel.Member) error {
	return o.set(func(g *groups) error {
		in, err := o.on(m)
		if err != nil {
			return err
		}
		err = g.join(m, in)
		if !m.Source.IsValid() || err != nil && err != posix.EADDRINUSE {
			return err
		}
		return g.add(m, in, true)
	})
}

// change resolves the interface for what changes a membership.
func (o groupOptions) change(m kernel.Member, f func(g *groups, in int) error) error {
	return o.set(func(g *groups) error {
		in, err := o.on(m)
		if err != nil {
			return err
		}
		return f(g, in)
	})
}

func (o groupOptions) Leave(m kernel.Member) error {
	if m.Source.IsValid() {
		return o.change(m, func(g *groups, in int) error { return g.remove(m, in, true) })
	}
	return o.Drop(m)
}

func (o groupOptions) Drop(m kernel.Member) error {
	return o.set(func(g *groups) error {
		in := m.Interface
		if in == 0 && m.Group.Is4() {
			i := o.c.host.outward(m.Group)
			if i == nil {
				return posix.ENODEV
			}
			in = i.index
		}
		return g.leave(m, in)
	})
}

func (o groupOptions) Block(m kernel.Member) error {
	return o.change(m, func(g *groups, in int) error { return g.add(m, in, false) })
}

func (o groupOptions) Unblock(m kernel.Member) error {
	return o.change(m, func(g *groups, in int) error { return g.remove(m, in, false) })
}

func (o groupOptions) Joined(m kernel.Member) (joined bool) {
	_ = o.set(func(g *groups) error { joined = g.find(m.Group, m.Interface) >= 0; return nil })
	return joined
}

func (o groupOptions) SetHops(hops int) error {
	return o.set(func(g *groups) error { g.ttl = hops; return nil })
}

func (o groupOptions) Hops() (hops int, err error) {
	err = o.set(func(g *groups) error { hops = g.ttl; return nil })
	return hops, err
}

func (o groupOptions) SetLoopback(on bool) error {
	return o.set(func(g *groups) error { g.loop = on; return nil })
}

func (o groupOptions) Loopback() (on bool, err error) {
	err = o.set(func(g *groups) error { on = g.loop; return nil })
	return on, err
}

func (o groupOptions) SetInterface(index int) error {
	return o.set(func(g *groups) error {
		switch i := o.c.host.numbered(index); {
		case index != 0 && i == nil && o.c.inet6:
			return posix.ENODEV
		case index != 0 && i == nil:
			return posix.EADDRNOTAVAIL
		case index != 0 && o.c.device != nil && o.c.device != i:
			return posix.EINVAL
		}
		g.out = index
		o.c.last = lastRoute{}
		return nil
	})
}

func (o groupOptions) Interface() (index int, known bool, err error) {
	err = o.set(func(g *groups) error { index = g.out; return nil })
	return index, true, err
}

func (o groupOptions) Name(index int) string {
	if i := o.c.host.numbered(index); i != nil {
		return i.name
	}
	return ""
}

// Interfaces are those of the host. They do not change.
func (h *Host) Interfaces() []kernel.Interface {
	is := make([]kernel.Interface, len(h.interfaces))
	for k, i := range h.interfaces {
		is[k] = kernel.Interface{Index: i.index, Name: i.name, Up: true, Multicast: !i.Loopback(), Addrs: i.addrs}
	}
	return is
}

var _ kernel.InterfaceSystem = (*Host)(nil)
