package kernel

import "net/netip"

// Groups is what a socket can be told about multicast. It keeps nothing that
// the socket does not: package multicast remembers what was joined.
type Groups interface {
	// Join makes the socket a member: syscall.EADDRINUSE where it is one, or
	// EADDRNOTAVAIL for a source. Leave ends the membership.
	Join(m Member) error
	Leave(m Member) error
	// Drop ends every membership in the group on the interface, whatever their
	// sources.
	Drop(m Member) error
	// Block keeps a source out of a membership for any source, Unblock lets it
	// in again.
	Block(m Member) error
	Unblock(m Member) error
	// Joined reports whether the socket is in the group on the interface.
	Joined(m Member) bool

	SetHops(hops int) error
	Hops() (int, error)
	SetLoopback(on bool) error
	Loopback() (bool, error)
	// SetInterface sets the index of the outgoing interface; 0 leaves it to the
	// system. Interface reads it, where the system knows.
	SetInterface(index int) error
	Interface() (index int, known bool, err error)
	// Name is the name of an interface, "" where there is none.
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
