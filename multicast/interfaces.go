package multicast

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
	"example.com/dgram/udp"
)

// A place is where a group is meant: on one interface, on every one, or where
// the system likes.
type place struct {
	index int    // of the interface, 0 for the system's choice
	name  string // of the interface, held; "" where an index was given
	all   bool
}

// held tells whether the place may move from interface to interface.
func (p place) held() bool { return p.all || p.name != "" }

// chosen tells whether the system chose it.
func (p place) chosen() bool { return !p.all && p.name == "" && p.index == 0 }

// place finds where a request is meant. A zone of the group is an interface
// too, and must be the same.
func (r *request) place(in inside.Socket) (place, error) {
	if r.all {
		return place{all: true}, nil
	}
	var at place
	var err error
	if r.named {
		if at, err = locate(in, r.on, r.group); err != nil {
			return place{}, err
		}
	}
	zone := r.group.Zone()
	if zone == "" {
		return at, nil
	}
	zoned, err := locateName(in, zone)
	if err != nil {
		return place{}, err
	}
	if r.named && at.index != zoned.index {
		return place{}, wrong(syscall.EINVAL, "interface %q is not the zone of group %v", r.on, r.group)
	}
	return zoned, nil
}

// locate finds an interface by name, index, address or zone. An address without
// a zone has to be of peer's family, if there is one.
func locate(in inside.Socket, iface string, peer netip.Addr) (place, error) {
	if !strings.ContainsAny(iface, ".:") {
		return locateName(in, iface)
	}
	a, err := netip.ParseAddr(iface)
	if err != nil {
		return locateName(in, iface)
	}
	a = a.Unmap()
	switch {
	case a.Zone() != "":
		return locateName(in, a.Zone())
	case a.IsUnspecified():
		return place{}, nil
	case peer.IsValid() && a.Is4() != peer.Is4():
		return place{}, wrongFamily("interface", a)
	}
	return locateAddr(a)
}

// zoneOf is the name or index in what names an interface.
func zoneOf(iface string) string {
	if a, err := netip.ParseAddr(iface); err == nil {
		return a.Zone()
	}
	return iface
}

// locateName finds an interface by name or index: through the socket, in its
// network namespace, or where it is going to be.
func locateName(in inside.Socket, zone string) (place, error) {
	if zone == "" {
		return place{}, wrong(syscall.EINVAL, "interface is empty")
	}
	index, err := 0, error(nil)
	switch ep, none := in.Bound("interface"); {
	case none == nil:
		index, err = ep.Conn.Index(zone)
	case errors.Is(none, udp.ErrNotBound):
		index, err = indexNow(zone)
	default:
		err = none
	}
	if err != nil {
		return place{}, err
	}
	if strconv.Itoa(index) == zone {
		return place{index: index}, nil
	}
	return place{index: index, name: zone}, nil
}

func indexNow(zone string) (int, error) {
	is, err := watch.Now()
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

// locateAddr finds the interface that has an address.
func locateAddr(a netip.Addr) (place, error) {
	is, err := net.Interfaces()
	if err != nil {
		return place{}, err
	}
	for _, i := range is {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		for _, own := range addrs {
			prefix, err := netip.ParsePrefix(own.String())
			if err == nil && prefix.Addr().Unmap() == a {
				return place{index: i.Index, name: i.Name}, nil
			}
		}
	}
	return place{}, kernel.ZoneError(a.String())
}
