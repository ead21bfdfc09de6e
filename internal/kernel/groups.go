package kernel

import "net/netip"

// Groups has the multicast options of a socket. It has no state besides the
// socket's: package multicast remembers the memberships.
type Groups interface {
	// Join makes the socket a member. If it is one already, the error is
	// syscall.EADDRINUSE, or EADDRNOTAVAIL for a source. Leave ends the membership.
	Join(m Member) error
	Leave(m Member) error
	// Drop ends every membership in the group on the interface, for any source and
	// for single ones.
	Drop(m Member) error
	// Block excludes a source from a membership for any source. Unblock ends that.
	Block(m Member) error
	Unblock(m Member) error
	// Joined reports whether the socket is in the group on the interface.
	Joined(m Member) bool

	SetHops(hops int) error
	Hops() (int, error)
	SetLoopback(on bool) error
	Loopback() (bool, error)
	// SetInterface sets the index of the outgoing interface; 0 leaves the choice to
	// the system. Interface reads the index; known is false if the system does not
	// report it.
	SetInterface(index int) error
	Interface() (index int, known bool, err error)
	// Name returns the name of an interface, or "" if there is none with the index.
	Name(index int) string
}

// A Member is a group on an interface.
type Member struct {
	Group     netip.Addr // without a zone
	Source    netip.Addr // zero for any source
	Interface int        // index, 0 for the system's choice
}

// A GroupConn is a Conn without a descriptor, whose multicast options are not
// the operating system's.
type GroupConn interface {
	Conn
	Groups() Groups
}

// An Interface is a network interface of a System.
type Interface struct {
	Index     int
	Name      string
	Up        bool
	Multicast bool
	Addrs     []netip.Prefix // unmasked, without zones
}

// An InterfaceSystem is a System whose interfaces are not the machine's. They
// do not change.
type InterfaceSystem interface {
	System
	Interfaces() []Interface
}
