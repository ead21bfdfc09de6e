package session

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
)

// canonical returns an address as the messages of the socket have it: IPv4 as IPv4,
// the zone as a name.
func (m *Mux) canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(m.canonicalAddr(a.Addr()), a.Port())
}

func (m *Mux) canonicalAddr(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if zone := a.Zone(); zone != "" && zone[0] >= '0' && zone[0] <= '9' {
		if name, err := m.zoneName(zone); err == nil {
			return a.WithZone(name)
		}
	}
	return a
}

// zoneName returns the name of an interface, given by name or number, as the socket
// sees it: on its own system, or in its network namespace.
func (m *Mux) zoneName(zone string) (string, error) {
	in := inside.Of(m.socket)
	if own, ok := in.System().(kernel.InterfaceSystem); ok {
		for _, i := range own.Interfaces() {
			if i.Name == zone || strconv.Itoa(i.Index) == zone {
				return i.Name, nil
			}
		}
		return "", kernel.ZoneError(zone)
	}
	ep, err := in.Bound("open")
	if err != nil { // it will be bound in the namespace of the caller
		return nameHere(zone)
	}
	index, err := ep.Conn.Index(zone)
	if err != nil {
		return "", err
	}
	if _, err := strconv.Atoi(zone); err != nil {
		return zone, nil
	}
	return nameAt(ep.Conn, index)
}

// nameHere returns the name of an interface in the caller's network namespace.
func nameHere(zone string) (string, error) {
	find := func() (*net.Interface, error) { return net.InterfaceByName(zone) }
	if index, err := strconv.Atoi(zone); err == nil {
		find = func() (*net.Interface, error) { return net.InterfaceByIndex(index) }
	}
	i, err := find()
	if err != nil {
		return "", kernel.ZoneError(zone)
	}
	return i.Name, nil
}

// nameAt returns the name of the interface that has an index for conn. Where the
// system does not let programs list interfaces, messages have the number.
func nameAt(conn kernel.Conn, index int) (name string, err error) {
	number := strconv.Itoa(index)
	err = watch.In(conn.Borrow(), func() (err error) {
		name, err = nameHere(number)
		return err
	})
	if err != nil {
		return number, nil
	}
	// A program that may not enter the socket's namespace has asked its own.
	if found, err := conn.Index(name); err != nil || found != index {
		return "", fmt.Errorf("%w: the name of interface %d is not to be had", kernel.ZoneError(number), index)
	}
	return name, nil
}
