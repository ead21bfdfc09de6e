package sim

import (
	"net/netip"
	"slices"
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

func (g *groups) find(group netip.Addr, in int) *member {
	for i := range g.members {
		if m := &g.members[i]; m.group == group && m.in == in {
			return m
		}
	}
	return nil
}

// admit reports whether a datagram for a group is heard.
func (g *groups) admit(group netip.Addr, in int, src netip.Addr) bool {
	m := g.find(group, in)
	return m != nil && slices.Contains(m.sources, src) == m.only
}
