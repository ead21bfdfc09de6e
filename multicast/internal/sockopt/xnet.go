//go:build unix

package sockopt

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// xnet sets the options with golang.org/x/net.
type xnet struct{ raw syscall.RawConn }

// both returns true on Linux: on other systems an IPv6 socket has no options of
// IPv4.
func (xnet) both() bool { return runtime.GOOS == "linux" }

// handle is the connection that golang.org/x/net needs to reach the descriptor.
type handle struct {
	*net.UDPConn // nil: its methods are never called
	raw          syscall.RawConn
}

func (h handle) SyscallConn() (syscall.RawConn, error) { return h.raw, nil }

func (g xnet) conn4() *ipv4.PacketConn { return ipv4.NewPacketConn(handle{raw: g.raw}) }
func (g xnet) conn6() *ipv6.PacketConn { return ipv6.NewPacketConn(handle{raw: g.raw}) }

// A memberConn has the methods that the connections of both families share.
type memberConn interface {
	JoinGroup(on *net.Interface, group net.Addr) error
	LeaveGroup(on *net.Interface, group net.Addr) error
	JoinSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	LeaveSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	ExcludeSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	IncludeSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
}

func (g xnet) request(r request, m Member) error {
	on, err := interfaceOf(m.Interface)
	if err != nil && r != leaveGroup && r != leaveSource {
		return err
	}
	if err != nil {
		on = &net.Interface{Index: m.Interface} // it was deleted; most systems need the index alone
	}
	var c memberConn = g.conn6()
	if m.Group.Is4() {
		c = g.conn4()
	}
	group, source := ipAddr(m.Group), ipAddr(m.Source)
	switch r {
	case joinGroup:
		err = c.JoinGroup(on, group)
	case leaveGroup:
		err = c.LeaveGroup(on, group)
	case joinSource:
		err = c.JoinSourceSpecificGroup(on, group, source)
	case leaveSource:
		err = c.LeaveSourceSpecificGroup(on, group, source)
	case blockSource:
		err = c.ExcludeSourceSpecificGroup(on, group, source)
	default:
		err = c.IncludeSourceSpecificGroup(on, group, source)
	}
	return g.told(err)
}

func ipAddr(a netip.Addr) net.Addr { return &net.UDPAddr{IP: a.AsSlice()} }

// interfaceOf returns the interface with an index, or nil for 0.
func interfaceOf(index int) (*net.Interface, error) {
	if index == 0 {
		return nil, nil
	}
	on, err := net.InterfaceByIndex(index)
	if err != nil {
		return nil, os.NewSyscallError("setsockopt", syscall.ENODEV)
	}
	return on, nil
}

// told converts an error of x/net. An error without an errno means that x/net has
// no such option on this system.
func (g xnet) told(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("%w: multicast option", errors.ErrUnsupported)
}

// Joined returns false: not every system reports memberships.
func (g xnet) Joined(Member) bool { return false }

// Name returns the name of an interface, or "" if there is none with the index.
func (g xnet) Name(index int) string { return nameOf(index) }

func (g xnet) set4(s setting, value int) error {
	switch s {
	case multicastHops:
		return g.told(g.conn4().SetMulticastTTL(value))
	case multicastLoopback:
		return g.told(g.conn4().SetMulticastLoopback(value != 0))
	}
	on, err := interfaceOf(value)
	if err != nil {
		return err
	}
	return g.told(g.conn4().SetMulticastInterface(on))
}

func (g xnet) set6(s setting, value int) error {
	switch s {
	case multicastHops:
		return g.told(g.conn6().SetMulticastHopLimit(value))
	case multicastLoopback:
		return g.told(g.conn6().SetMulticastLoopback(value != 0))
	}
	on, err := interfaceOf(value)
	if err != nil {
		return err
	}
	return g.told(g.conn6().SetMulticastInterface(on))
}

func (g xnet) get4(s setting) (int, error) {
	if s == multicastHops {
		hops, err := g.conn4().MulticastTTL()
		return hops, g.told(err)
	}
	on, err := g.conn4().MulticastLoopback()
	return number(on), g.told(err)
}

func (g xnet) get6(s setting) (int, error) {
	switch s {
	case multicastHops:
		hops, err := g.conn6().MulticastHopLimit()
		return hops, g.told(err)
	case multicastLoopback:
		on, err := g.conn6().MulticastLoopback()
		return number(on), g.told(err)
	}
	on, err := g.conn6().MulticastInterface()
	if _, none := errors.AsType[*net.OpError](err); none || on == nil && err == nil {
		return 0, nil // no interface has the index, such as 0
	}
	if err != nil {
		return 0, g.told(err)
	}
	return on.Index, nil
}

func number(on bool) int {
	if on {
		return 1
	}
	return 0
}
