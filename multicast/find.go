package multicast

import (
	"net/netip"
	"slices"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/posix"
)

// find returns the membership that the arguments of a call name.
func find(in inside.Socket, group netip.Addr, opts []Option) (*Membership, error) {
	r, err := newRequest(in, group, opts)
	if err != nil {
		return nil, err
	}
	at, unknown := r.iface(in)
	ms := membershipsOf(in)
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.list {
		if m.group.WithZone("") == r.group.WithZone("") && m.source == r.source && m.matches(at, r, unknown) {
			return m, nil
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, argErrorf(posix.EADDRNOTAVAIL, "group %v is not joined so", r.group)
}

// matches reports whether iface is the interface of m. If the interface was
// deleted, its name decides.
func (m *Membership) matches(at ifaceRef, r request, unknown error) bool {
	switch {
	case unknown != nil:
		return m.iface.name != "" && (!r.named || m.iface.name == zoneOf(r.on)) && (r.group.Zone() == "" || m.iface.name == r.group.Zone())
	case m.iface.all || at.all || m.iface.bySystem() || at.bySystem():
		return m.iface.all == at.all && m.iface.bySystem() == at.bySystem()
	}
	return m.iface.index == at.index || m.iface.name != "" && m.iface.name == at.name || slices.Contains(m.joined, at.index)
}
