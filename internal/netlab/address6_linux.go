package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// LinkLocal returns the IPv6 link-local address that the kernel gave an interface.
// Its zone is the index, because package net looks up the names of interfaces in
// the namespace of the process, and caches them for a minute.
func (h *Host) LinkLocal(name string) (netip.Addr, error) {
	index, all, err := h.addresses(name)
	for _, a := range all {
		if a.IP.IsLinkLocalUnicast() {
			return a.IP.WithZone(strconv.Itoa(index)), nil
		}
	}
	if err == nil {
		err = unix.EADDRNOTAVAIL
	}
	return netip.Addr{}, fmt.Errorf("%s: link-local address of %s: %w", h, name, err)
}

// addresses returns the index and the IPv6 addresses of an interface.
func (h *Host) addresses(name string) (index int, all []netlink.Address, err error) {
	if index, err = h.index(name); err != nil {
		return 0, nil, err
	}
	r := netlink.NewRequest(unix.RTM_GETADDR, 0, netlink.AddressHeader{Family: unix.AF_INET6})
	answer, err := h.route.list(r)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return 0, nil, err
	}
	for _, m := range answer {
		a, err := netlink.ParseAddress(m)
		if err != nil {
			return 0, nil, err
		}
		// Without IPv6 the kernel lists the addresses of all families.
		if a.Family == unix.AF_INET6 && a.Index == index {
			all = append(all, a)
		}
	}
	return index, all, nil
}

// localRoutes returns the addresses for which IPv6 packets are received on the
// interface with an index.
func (h *Host) localRoutes(index int) (map[netip.Addr]bool, error) {
	r := netlink.NewRequest(unix.RTM_GETROUTE, 0, netlink.RouteHeader{Family: unix.AF_INET6})
	answer, err := h.route.list(r)
	if err != nil {
		return nil, err
	}
	local := make(map[netip.Addr]bool)
	for _, m := range answer {
		route, err := netlink.ParseRoute(m)
		if err != nil {
			return nil, err
		}
		if route.Type == unix.RTN_LOCAL && route.Out == index {
			local[route.To.Addr()] = true
		}
	}
	return local, nil
}
