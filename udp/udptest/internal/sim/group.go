package sim

import (
	"net/netip"
	"slices"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
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

// join is ip_mc_join_group.
func (g *groups) join(m kernel.Member, in int) error {
	if g.locate(m, in) >= 0 {
		return posix.EADDRINUSE
	}
	if m.Group.Is4() {
		four := 0
		for _, m := range g.members {
			if m.group.Is4() {
				four++
			}
		}
		if four >= maxMembers4 {
			return posix.ENOBUFS
		}
	}
	g.members = append(g.members, member{group: m.Group, in: in, only: m.Source.IsValid()})
	return nil
}

// filter finds a membership whose sources may be changed: ip_mc_source.
func (g *groups) filter(m kernel.Member, in int, only bool) (*member, error) {
	i := g.locate(m, in)
	if i < 0 {
		return nil, posix.EINVAL
	}
	found := &g.members[i]
	if found.only != only {
		if len(found.sources) > 0 {
			return nil, posix.EINVAL
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
		return posix.ENOBUFS
	case slices.Contains(found.sources, m.Source):
		return posix.EADDRNOTAVAIL
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
		return posix.EADDRNOTAVAIL
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
		return posix.EADDRNOTAVAIL
	}
	g.members = slices.Delete(g.members, i, i+1)
	return nil
}
