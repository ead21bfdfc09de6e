package multicast

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// ifaceRef names the interface of a membership: one, all, or the system's choice.
type ifaceRef struct {
	index int        // index of the interface, 0 for the system's choice
	name  string     // name of the interface to follow; "" if an index was given
	addr  netip.Addr // the address by which the interface was named, to send from
	all   bool
}

// followed reports whether interfaces that come and go change where the membership
// is joined.
func (p ifaceRef) followed() bool { return p.all || p.name != "" }

// bySystem reports whether the system chooses the interface.
func (p ifaceRef) bySystem() bool { return !p.all && p.name == "" && p.index == 0 }

// iface finds the interface of a request. A zone of the group names an interface
// too, and has to be the same.
func (r *request) iface(in inside.Socket) (ifaceRef, error) {
	if r.all {
		return ifaceRef{all: true}, nil
	}
	var at ifaceRef
	var err error
	if r.named {
		if at, err = lookupIface(in, r.on, r.group); err != nil {
			return ifaceRef{}, err
		}
	}
	zone := r.group.Zone()
	if zone == "" {
		return at, nil
	}
	zoned, err := ifaceByName(in, zone)
	if err != nil {
		return ifaceRef{}, err
	}
	if r.named && at.index != zoned.index {
		return ifaceRef{}, argErrorf(posix.EINVAL, "interface %q is not the zone of group %v", r.on, r.group)
	}
	return zoned, nil
}

// lookupIface finds an interface by name, index, address or zone. An address without
// a zone has to be of peer's family, if there is one.
func lookupIface(in inside.Socket, iface string, peer netip.Addr) (ifaceRef, error) {
	if !strings.ContainsAny(iface, ".:") {
		return ifaceByName(in, iface)
	}
	a, err := netip.ParseAddr(iface)
	if err != nil {
		return ifaceByName(in, iface)
	}
	a = a.Unmap()
	switch {
	case a.Zone() != "":
		return ifaceByName(in, a.Zone())
	case a.IsUnspecified():
		return ifaceRef{}, nil
	case peer.IsValid() && a.Is4() != peer.Is4():
		return ifaceRef{}, wrongFamily("interface", a)
	}
	at, err := ifaceByAddr(in, a)
	at.addr = a
	return at, err
}

// zoneOf returns the name or index in the name of an interface.
func zoneOf(iface string) string {
	if a, err := netip.ParseAddr(iface); err == nil {
		return a.Zone()
	}
	return iface
}

// ifaceByName finds an interface by name or index. A bound socket looks in its
// network namespace.
func ifaceByName(in inside.Socket, zone string) (ifaceRef, error) {
	if zone == "" {
		return ifaceRef{}, argErrorf(posix.EINVAL, "interface is empty")
	}
	var index int
	var err error
	switch ep, none := in.Bound("interface"); {
	case none == nil:
		index, err = ep.Conn.Index(zone)
	case errors.Is(none, udp.ErrNotBound):
		index, err = indexNow(in, zone)
	default:
		err = none
	}
	if err != nil {
		return ifaceRef{}, err
	}
	if strconv.Itoa(index) == zone {
		return ifaceRef{index: index}, nil
	}
	return ifaceRef{index: index, name: zone}, nil
}

func indexNow(in inside.Socket, zone string) (int, error) {
	is, err := interfacesOf(in)
	if err != nil {
		return 0, err
	}
	n, _ := strconv.Atoi(zone)
	for _, i := range is {
		if i.Name == zone || i.Index == n {
			return i.Index, nil
		}
	}
	return 0, kernel.ZoneError(zone)
}

// ifaceByAddr finds the interface that has an address.
func ifaceByAddr(in inside.Socket, a netip.Addr) (ifaceRef, error) {
	if own, ok := in.System().(kernel.InterfaceSystem); ok {
		for _, i := range own.Interfaces() {
			for _, p := range i.Addrs {
				if p.Addr() == a {
					return ifaceRef{index: i.Index, name: i.Name}, nil
				}
			}
		}
		return ifaceRef{}, kernel.ZoneError(a.String())
	}
	is, err := net.Interfaces()
	if err != nil {
		return ifaceRef{}, err
	}
	for _, i := range is {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it was deleted meanwhile
		}
		for _, own := range addrs {
			prefix, err := netip.ParsePrefix(own.String())
			if err == nil && prefix.Addr().Unmap() == a {
				return ifaceRef{index: i.Index, name: i.Name}, nil
			}
		}
	}
	return ifaceRef{}, kernel.ZoneError(a.String())
}
