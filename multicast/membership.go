package multicast

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// Join makes the socket a member of a group: the socket receives datagrams that are
// sent to the group on an interface. Without [On] or [OnAll] the system chooses one
// interface by its routes. On a machine with several interfaces that is often the
// wrong one. Without a route the error is syscall.ENODEV.
//
// Join binds an unbound socket to a free port first. To receive, the socket has to
// be bound to the port that the group's senders use, and to every interface or to
// the group. On Linux a socket that is bound to a unicast address receives from no
// group, and the error is syscall.EINVAL. With udp.WithReaders the first kernel
// socket joins.
//
// Invalid arguments are reported before the kernel is asked. A group that is joined
// already is syscall.EADDRINUSE, or EADDRNOTAVAIL for a source. The kernel's
// limits, 20 groups and 10 sources on Linux, are syscall.ENOBUFS with the name of
// the sysctl; earlier memberships stay.
//
// The membership ends with Leave or with the socket.
func Join(s *udp.Socket, group netip.Addr, opts ...Option) (*Membership, error) {
	in := inside.Of(s)
	m, err := join(s, group, opts)
	if err != nil {
		return nil, in.OpError("join", netip.AddrPortFrom(group, 0), err)
	}
	return m, nil
}

func join(s *udp.Socket, group netip.Addr, opts []Option) (*Membership, error) {
	in := inside.Of(s)
	if err := ended(in); err != nil {
		return nil, err
	}
	r, err := newRequest(in, group, opts)
	if err != nil {
		return nil, err
	}
	if err := checkFamily(s, r.group); err != nil {
		return nil, err
	}
	at, err := r.iface(in)
	if err != nil {
		return nil, err
	}
	ep, err := in.Bind(context.Background(), "join", r.group)
	if err != nil {
		return nil, err
	}
	if err := hearsGroups(ep); err != nil {
		return nil, err
	}
	m := &Membership{group: r.group, source: r.source, iface: at, memberships: membershipsOf(in)}
	return m, m.memberships.join(ep, m)
}

// Leave ends the membership that [Join] made with the same group and options. If
// there is none the error is syscall.EADDRNOTAVAIL.
func Leave(s *udp.Socket, group netip.Addr, opts ...Option) error {
	in := inside.Of(s)
	err := ended(in)
	if err != nil {
		return err
	}
	m, err := find(in, group, opts)
	if err == nil {
		err = m.Leave()
	}
	return in.OpError("leave", netip.AddrPortFrom(group, 0), err)
}

// A Membership is a group that a socket has joined. Its methods may be called
// from any goroutine.
type Membership struct {
	group       netip.Addr
	source      netip.Addr
	iface       ifaceRef
	memberships *memberships

	// Guarded by memberships.mu.
	joined  []int // indexes; 0 if the system chose and does not report its choice
	blocked []netip.Addr
	failed  map[int]bool // interfaces that could not be joined; true once reported
	left    bool
}

// Leave ends the membership. A second call does nothing, and so does one after
// the socket has ended.
func (m *Membership) Leave() error {
	ms := m.memberships
	return ms.in.OpError("leave", netip.AddrPortFrom(m.group, 0), ms.leave(m))
}

// Block excludes a source from the membership, as the function Block does.
func (m *Membership) Block(source netip.Addr) error {
	return m.filter("block", source, (*memberships).block)
}

// Unblock ends Block.
func (m *Membership) Unblock(source netip.Addr) error {
	return m.filter("unblock", source, (*memberships).unblock)
}

// String returns the group, its source and its interfaces, for logs.
func (m *Membership) String() string {
	text := m.group.String()
	if m.source.IsValid() {
		text += " from " + m.source.String()
	}
	if names := m.Interfaces(); len(names) > 0 {
		text += " on " + strings.Join(names, ", ")
	}
	return text
}

// Group returns the group.
func (m *Membership) Group() netip.Addr { return m.group }

// Source returns the source of a source-specific membership, or zero for any
// source.
func (m *Membership) Source() netip.Addr { return m.source }

// Interfaces returns the names of the interfaces on which the group is joined now.
// It returns none if the system chose the interface and does not report it.
func (m *Membership) Interfaces() []string {
	ms := m.memberships
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var names []string
	for _, index := range m.joined {
		if name := ms.name(index); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// on returns the membership on one interface, for the kernel.
func (m *Membership) on(index int) kernel.Member {
	return kernel.Member{Group: m.group.WithZone(""), Source: m.source, Interface: index}
}

// sameGroup reports whether m and o are two memberships of one group.
func (m *Membership) sameGroup(o *Membership) bool {
	return m != o && m.group.WithZone("") == o.group.WithZone("")
}

// duplicateErrno returns the errno of the kernel for a group that is joined
// already.
func (m *Membership) duplicateErrno() posix.Errno {
	if m.source.IsValid() {
		return posix.EADDRNOTAVAIL
	}
	return posix.EADDRINUSE
}

// wants reports whether a followed membership is to be joined on an interface.
func (m *Membership) wants(i interfaceState) bool {
	if m.iface.all {
		return i.Up && i.Multicast
	}
	return i.Name == m.iface.name
}
