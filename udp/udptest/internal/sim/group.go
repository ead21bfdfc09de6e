package sim

import (
	"net/netip"
	"slices"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// groups is what a socket has joined, and how it sends to groups.
type groups struct {
	members []member
	out     int // index of the outgoing interface, 0 for the system's choice
	ttl     int
	loop    bool
}

// A member is a group on an interface: for any source but some, or for some.
type member struct {
	group   netip.Addr
	in      int
	sources []netip.Addr
	only    bool // sources are those that are heard; otherwise those that are not
}

// Limits of Linux: net.ipv4.igmp_max_memberships, net.ipv4.igmp_max_msf and
// net.ipv6.mld_max_msf. IPv6 memberships have none.
const (
	maxMembers4 = 20
	maxSources4 = 10
	maxSources6 = 64
)

func (g *groups) find(group netip.Addr, in int) int {
	return slices.IndexFunc(g.members, func(m member) bool { return m.group == group && m.in == in })
}

// locate finds a membership. For IPv6, no interface is any.
func (g *groups) locate(m kernel.Member, in int) int {
	if m.Interface == 0 && m.Group.Is6() {
		return slices.IndexFunc(g.members, func(o member) bool { return o.group == m.Group })
	}
	return g.find(m.Group, in)
}

// admit reports whether a datagram for a group is heard.
func (g *groups) admit(group netip.Addr, in int, src netip.Addr) bool {
	i := g.find(group, in)
	return i >= 0 && slices.Contains(g.members[i].sources, src) == g.members[i].only
}

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
		return 0, syscall.EINVAL
	case i == nil:
		return 0, syscall.ENODEV
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
		if !m.Source.IsValid() || err != nil && err != syscall.EADDRINUSE {
			return err
		}
		return g.add(m, in, true)
	})
}

// join is ip_mc_join_group.
func (g *groups) join(m kernel.Member, in int) error {
	if g.locate(m, in) >= 0 {
		return syscall.EADDRINUSE
	}
	if m.Group.Is4() {
		four := 0
		for _, m := range g.members {
			if m.group.Is4() {
				four++
			}
		}
		if four >= maxMembers4 {
			return syscall.ENOBUFS
		}
	}
	g.members = append(g.members, member{group: m.Group, in: in, only: m.Source.IsValid()})
	return nil
}

// filter finds a membership whose sources may be changed: ip_mc_source.
func (g *groups) filter(m kernel.Member, in int, only bool) (*member, error) {
	i := g.locate(m, in)
	if i < 0 {
		return nil, syscall.EINVAL
	}
	found := &g.members[i]
	if found.only != only {
		if len(found.sources) > 0 {
			return nil, syscall.EINVAL
		}
		found.only = only
	}
	return found, nil
}

func (g *groups) add(m kernel.Member, in int, only bool) error {
	found, err := g.filter(m, in, only)
	if err != nil {
		return err
	}
	limit := maxSources6
	if m.Group.Is4() {
		limit = maxSources4
	}
	switch {
	case len(found.sources) >= limit:
		return syscall.ENOBUFS
	case slices.Contains(found.sources, m.Source):
		return syscall.EADDRNOTAVAIL
	}
	found.sources = append(found.sources, m.Source)
	return nil
}

func (g *groups) remove(m kernel.Member, in int, only bool) error {
	found, err := g.filter(m, in, only)
	if err != nil {
		return err
	}
	i := slices.Index(found.sources, m.Source)
	if i < 0 {
		return syscall.EADDRNOTAVAIL
	}
	if len(found.sources) == 1 && only {
		return g.leave(m, in)
	}
	found.sources = slices.Delete(found.sources, i, i+1)
	return nil
}

// leave is ip_mc_leave_group and ipv6_sock_mc_drop.
func (g *groups) leave(m kernel.Member, in int) error {
	i := g.locate(m, in)
	if i < 0 {
		return syscall.EADDRNOTAVAIL
	}
	g.members = slices.Delete(g.members, i, i+1)
	return nil
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
				return syscall.ENODEV
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
			return syscall.ENODEV
		case index != 0 && i == nil:
			return syscall.EADDRNOTAVAIL
		case index != 0 && o.c.device != nil && o.c.device != i:
			return syscall.EINVAL
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
