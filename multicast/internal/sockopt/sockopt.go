// Package sockopt sets and reads a socket's multicast options.
package sockopt

import (
	"net/netip"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// Groups is what a socket can be told about multicast. It works on the
// descriptor alone, never through the datagram path, and keeps nothing: package
// multicast remembers what was joined.
//
// # The contract of every implementation
//
//   - A membership is a group on an interface, for any source or for one. All
//     three are the kernel's to check: joined twice is syscall.EADDRINUSE, or
//     EADDRNOTAVAIL for a source; not joined is EADDRNOTAVAIL.
//   - An IPv4 group on an IPv6 socket is joined by IPv4's rules, where the
//     system allows it; else it is the system's error.
//   - A dual-stack socket has settings for each family. They are set together,
//     and IPv6's are the ones that are read.
//   - What the system cannot do is errors.ErrUnsupported.
//
// Linux and Windows have the protocol-independent requests of RFC 3678, which
// name the interface by its index for both families. golang.org/x/net does the
// rest: it knows for each system whether an interface is named by index or by
// address.
type Groups struct {
	options
	keeper kernel.Keeper // nil where the kernel socket stays the same
	inet6  bool
	dual   bool
}

// Of returns the multicast options of a socket. The network is "udp4" or "udp6";
// dual means that an IPv6 socket also sends and receives IPv4.
func Of(c kernel.Conn, network string, dual bool) Groups {
	keeper, _ := c.(kernel.Keeper)
	return Groups{options: system(c.Borrow()), keeper: keeper, inet6: network == "udp6", dual: dual}
}

// options is one implementation: the system's own options, or those of
// golang.org/x/net.
type options interface {
	request(r request, m Member) error

	set4(s setting, value int) error
	set6(s setting, value int) error
	get4(s setting) (int, error)
	get6(s setting) (int, error)

	// both reports whether an IPv6 socket has IPv4's options too.
	both() bool

	// Joined reports whether the socket is in the group on the interface. It
	// returns false if the system does not say.
	Joined(m Member) bool
	// Name returns the name of an interface, or "" if there is none with the index.
	Name(index int) string
}

// A Member is a group on an interface.
type Member = kernel.Member

var _ kernel.Groups = Groups{}

// Join makes the socket a member.
func (g Groups) Join(m Member) error {
	if m.Source.IsValid() {
		return g.do(joinSource, m)
	}
	return g.do(joinGroup, m)
}

// Leave ends the membership.
func (g Groups) Leave(m Member) error {
	if m.Source.IsValid() {
		return g.do(leaveSource, m)
	}
	return g.do(leaveGroup, m)
}

// Drop ends every membership in the group on the interface, for any source and for
// single ones. It also works for an interface that was deleted, where Leave fails
// for a source. The list of the socket keeps the memberships of a deleted
// interface, and they count towards the limit.
func (g Groups) Drop(m Member) error {
	m.Source = netip.Addr{}
	return g.do(leaveGroup, m)
}

// Block excludes a source from a membership for any source.
func (g Groups) Block(m Member) error { return g.do(blockSource, m) }

// Unblock ends Block.
func (g Groups) Unblock(m Member) error { return g.do(unblockSource, m) }

// A kept is the key of a call that is made again on a new kernel socket.
type kept struct {
	request request
	member  Member
}

// do makes a request. If the kernel socket can be replaced, it keeps the requests
// that the new socket needs.
func (g Groups) do(r request, m Member) error {
	err := g.request(r, m)
	if err != nil || g.keeper == nil {
		return err
	}
	switch r {
	case joinGroup, joinSource, blockSource:
		g.keeper.Keep(kept{r, m}, func(c syscall.RawConn) error { return system(c).request(r, m) })
	case unblockSource:
		g.forget(func(k kept) bool { return k == kept{blockSource, m} })
	case leaveSource:
		g.forget(func(k kept) bool { return k == kept{joinSource, m} })
	case leaveGroup: // and all its sources
		g.forget(func(k kept) bool { return k.member.Group == m.Group && k.member.Interface == m.Interface })
	}
	return nil
}

func (g Groups) forget(match func(kept) bool) {
	g.keeper.Forget(func(key any) bool {
		k, ok := key.(kept)
		return ok && match(k)
	})
}

// A request is a change of a membership.
type request int

const (
	joinGroup request = iota
	leaveGroup
	joinSource
	leaveSource
	blockSource
	unblockSource
)

// SetHops sets the hop limit of multicast datagrams.
func (g Groups) SetHops(hops int) error { return g.set(multicastHops, hops) }

// Hops returns the hop limit of multicast datagrams.
func (g Groups) Hops() (int, error) { return g.get(multicastHops) }

// SetLoopback sets whether the sender's own host receives its multicast datagrams.
func (g Groups) SetLoopback(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return g.set(multicastLoopback, value)
}

// Loopback reports whether the sender's own host receives its multicast datagrams.
func (g Groups) Loopback() (bool, error) {
	value, err := g.get(multicastLoopback)
	return value != 0, err
}

// SetInterface sets the index of the outgoing interface; 0 leaves it to the
// system.
func (g Groups) SetInterface(index int) error {
	err := g.set(multicastInterface, index)
	if err == nil && g.keeper != nil { // an IPv4 socket does not report the interface
		g.keeper.Keep(multicastInterface, func(c syscall.RawConn) error {
			again := g
			again.options = system(c)
			return again.set(multicastInterface, index)
		})
	}
	return err
}

// Interface returns the index of the outgoing interface. Most kernels do not report
// that of an IPv4 socket: known is false then.
func (g Groups) Interface() (index int, known bool, err error) {
	if !g.inet6 {
		return 0, false, nil
	}
	index, err = g.get(multicastInterface)
	return index, true, err
}

// A setting is an integer option of multicast datagrams.
type setting int

const (
	multicastHops setting = iota
	multicastLoopback
	multicastInterface
)

// set sets an option for each family that the socket speaks. On some systems an
// IPv6 socket has no options of IPv4; there the IPv4 datagrams of a dual-stack
// socket follow the system's defaults.
func (g Groups) set(s setting, value int) error {
	if !g.inet6 {
		return g.set4(s, value)
	}
	err := g.set6(s, value)
	if err == nil && g.dual {
		if err = g.set4(s, value); !g.both() {
			err = nil
		}
	}
	return err
}

func (g Groups) get(s setting) (int, error) {
	if g.inet6 {
		return g.get6(s)
	}
	return g.get4(s)
}
