//go:build unix && (!linux || dgram_portable)

package kernel

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// speaksBoth says that an IPv6 socket has IPv4's options too. Only Linux does.
const speaksBoth = runtime.GOOS == "linux"

// handle is what golang.org/x/net takes for a connection. It asks for the
// descriptor and for nothing else.
type handle struct {
	*net.UDPConn // nil: its methods are never called
	raw          syscall.RawConn
}

func (h handle) SyscallConn() (syscall.RawConn, error) { return h.raw, nil }

func (g Groups) conn4() *ipv4.PacketConn { return ipv4.NewPacketConn(handle{raw: g.raw}) }
func (g Groups) conn6() *ipv6.PacketConn { return ipv6.NewPacketConn(handle{raw: g.raw}) }

// A memberConn is what both families' connections can do.
type memberConn interface {
	JoinGroup(on *net.Interface, group net.Addr) error
	LeaveGroup(on *net.Interface, group net.Addr) error
	JoinSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	LeaveSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	ExcludeSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
	IncludeSourceSpecificGroup(on *net.Interface, group, source net.Addr) error
}

func (g Groups) request(r request, m Member) error {
	on, err := interfaceOf(m.Interface)
	if err != nil && r != leaveGroup && r != leaveSource {
		return err
	}
	if err != nil {
		on = &net.Interface{Index: m.Interface} // it has gone, and the index is enough for most
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

// interfaceOf is the interface with an index, nil for 0.
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

// told translates what x/net says: an error without an errno means that it
// knows no option for this system.
func (g Groups) told(err error) error {
	err = bare(err)
	if _, ok := errors.AsType[syscall.Errno](err); ok || err == nil || errors.Is(err, net.ErrClosed) {
		return err
	}
	return unsupported("multicast option")
}

// Joined is false: what the system chose cannot be asked for everywhere.
func (g Groups) Joined(Member) bool { return false }

// Name is the name of an interface, "" where there is none.
func (g Groups) Name(index int) string { return nameOf(index) }

func (g Groups) set4(s setting, value int) error {
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

func (g Groups) set6(s setting, value int) error {
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

func (g Groups) get4(s setting) (int, error) {
	if s == multicastHops {
		hops, err := g.conn4().MulticastTTL()
		return hops, g.told(err)
	}
	on, err := g.conn4().MulticastLoopback()
	return truth(on), g.told(err)
}

func (g Groups) get6(s setting) (int, error) {
	switch s {
	case multicastHops:
		hops, err := g.conn6().MulticastHopLimit()
		return hops, g.told(err)
	case multicastLoopback:
		on, err := g.conn6().MulticastLoopback()
		return truth(on), g.told(err)
	}
	on, err := g.conn6().MulticastInterface()
	if _, none := errors.AsType[*net.OpError](err); none || on == nil && err == nil {
		return 0, nil // net has no interface with that index, 0 above all
	}
	if err != nil {
		return 0, g.told(err)
	}
	return on.Index, nil
}
