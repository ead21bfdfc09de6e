package multicast

import (
	"net/netip"
	"slices"
	"syscall"

	"example.com/dgram/internal/inside"
)

// find returns the membership that a call means.
func find(in inside.Socket, group netip.Addr, opts []Option) (*Membership, error) {
	r, err := newRequest(group, opts)
	if err != nil {
		return nil, err
	}
	at, unknown := r.place(in)
	ms := membersOf(in)
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.list {
		if m.group.WithZone("") == r.group.WithZone("") && m.source == r.source && m.meant(at, r, unknown) {
			return m, nil
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, wrong(syscall.EADDRNOTAVAIL, "group %v is not joined so", r.group)
}

// meant tells whether a place is that of m. The interface may have gone: then
// its name has to do.
func (m *Membership) meant(at place, r request, unknown error) bool {
	switch {
	case unknown != nil:
		return m.at.name != "" && (m.at.name == zoneOf(r.on) || m.at.name == r.group.Zone())
	case m.at.all || at.all || m.at.chosen() || at.chosen():
		return m.at.all == at.all && m.at.chosen() == at.chosen()
	}
	return m.at.index == at.index || m.at.name != "" && m.at.name == at.name || slices.Contains(m.joined, at.index)
}
