package multicast

import (
	"net/netip"
	"strconv"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// SetInterface sets the interface through which datagrams to groups leave, named as
// in [On]. If it is named by one of its addresses, datagrams to groups of the same
// family also leave from that address. "0.0.0.0" or "::" gives both choices back to
// the system. SetInterface does not affect receiving. It applies to the present
// interface: after the interface is deleted and made again, SetInterface has to be
// called again.
//
// To send through several interfaces, use [SendOn]: calling SetInterface before
// each datagram is a race between the goroutines that send.
func SetInterface(s *udp.Socket, iface string) error {
	return set(s, func() error {
		if iface == "" {
			return argErrorf(posix.EINVAL, "interface is empty")
		}
		return nil
	}, func(ms *memberships, ep inside.Endpoint) error {
		a, err := netip.ParseAddr(iface)
		a = a.Unmap()
		literal := err == nil && a.Zone() == "" && !a.IsUnspecified()
		if literal && (a.Is4() && ep.Network == "udp6" && !ep.Dual || a.Is6() && ep.Network == "udp4") {
			return wrongFamily("interface", a)
		}
		at, err := lookupIface(ms.in, iface, netip.Addr{})
		if err != nil {
			return err
		}
		ms.mu.Lock()
		defer ms.mu.Unlock()
		if err := groupsOf(ep).SetInterface(at.index); err != nil {
			return err
		}
		ms.outgoing = at.index
		ms.in.SetGroupSource(at.addr)
		return nil
	})
}

// Interface returns the name of the interface that [SetInterface] chose, or "" if
// the system chooses.
func Interface(s *udp.Socket) (string, error) {
	return get(s, func(ms *memberships, ep inside.Endpoint) (string, error) {
		ms.mu.Lock()
		defer ms.mu.Unlock()
		groups := groupsOf(ep)
		index, known, err := groups.Interface()
		if !known {
			index = ms.outgoing
		}
		if err != nil || index == 0 {
			return "", err
		}
		if name := groups.Name(index); name != "" {
			return name, nil
		}
		return strconv.Itoa(index), nil // it was deleted
	})
}

// SetTTL sets the hop limit of datagrams to groups, 0 to 255: 0 keeps them on the
// host, 1 (the system's default) on the link. [udp.Socket.SetTTL] sets that of
// other datagrams; the two are independent.
func SetTTL(s *udp.Socket, hops int) error {
	return set(s, func() error {
		if hops < 0 || hops > 255 {
			return argErrorf(posix.EINVAL, "TTL %d is not between 0 and 255", hops)
		}
		return nil
	}, func(_ *memberships, ep inside.Endpoint) error { return groupsOf(ep).SetHops(hops) })
}

// TTL returns the hop limit of datagrams to groups.
func TTL(s *udp.Socket) (int, error) {
	return get(s, func(_ *memberships, ep inside.Endpoint) (int, error) { return groupsOf(ep).Hops() })
}

// SetLoopback sets whether sockets of the sender's own host receive its datagrams
// to groups, the sender included if it is a member. By default they do. On Windows
// it is a setting of the receiver: whether it receives from its own host.
func SetLoopback(s *udp.Socket, on bool) error {
	return set(s, func() error { return nil },
		func(_ *memberships, ep inside.Endpoint) error { return groupsOf(ep).SetLoopback(on) })
}

// Loopback reports whether sockets of the sender's own host receive its datagrams
// to groups.
func Loopback(s *udp.Socket) (bool, error) {
	return get(s, func(_ *memberships, ep inside.Endpoint) (bool, error) { return groupsOf(ep).Loopback() })
}

// set changes an option of a bound socket. On a closed socket the error is
// net.ErrClosed, whatever the value. A wrong value is reported before an unbound
// socket.
func set(s *udp.Socket, check func() error, do func(*memberships, inside.Endpoint) error) error {
	in := inside.Of(s)
	if err := ended(in); err != nil {
		return err
	}
	ep, err := in.Bound("set")
	if bad := check(); bad != nil {
		return in.OpError("set", netip.AddrPort{}, bad)
	}
	if err != nil {
		return err
	}
	return in.OpError("set", netip.AddrPort{}, do(membershipsOf(in), ep))
}

// get reads an option of a bound socket.
func get[T any](s *udp.Socket, read func(*memberships, inside.Endpoint) (T, error)) (T, error) {
	in := inside.Of(s)
	ep, err := in.Bound("get")
	if err != nil {
		var none T
		return none, err
	}
	v, err := read(membershipsOf(in), ep)
	return v, in.OpError("get", netip.AddrPort{}, err)
}
