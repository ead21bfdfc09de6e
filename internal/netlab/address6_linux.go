package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// LinkLocal returns the IPv6 link-local address that the kernel gave an
// interface. Its zone is the index: package net looks up names of interfaces in
// the namespace of no host in particular and remembers them for a minute.
func (h *Host) LinkLocal(name string) (netip.Addr, error) {
	index, all, err := h.addresses(name)
	for _, a := range all {
		if a.ip.IsLinkLocalUnicast() {
			return a.ip.WithZone(strconv.Itoa(index)), nil
		}
	}
	if err == nil {
		err = unix.EADDRNOTAVAIL
	}
	return netip.Addr{}, fmt.Errorf("%s: link-local address of %s: %w", h, name, err)
}

// An address is an IPv6 address of an interface.
type address struct {
	ip    netip.Addr
	flags uint32
}

// addresses returns the index and the IPv6 addresses of an interface.
func (h *Host) addresses(name string) (index int, all []address, err error) {
	if index, err = h.index(name); err != nil {
		return 0, nil, err
	}
	answers, err := h.route.list(newRequest(unix.RTM_GETADDR, 0, unix.IfAddrmsg{Family: unix.AF_INET6}))
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return 0, nil, err
	}
	for _, m := range answers {
		attributes, err := m.attributes(unix.SizeofIfAddrmsg)
		if err != nil {
			return 0, nil, err
		}
		// Without IPv6 the kernel lists the addresses of all families.
		if m.body[0] != unix.AF_INET6 || int(binary.NativeEndian.Uint32(m.body[4:])) != index {
			continue
		}
		a := address{flags: uint32(m.body[2])}
		for _, at := range attributes {
			switch {
			case at.kind == unix.IFA_ADDRESS:
				a.ip, _ = netip.AddrFromSlice(at.value)
			case at.kind == unix.IFA_FLAGS && len(at.value) == 4:
				a.flags = binary.NativeEndian.Uint32(at.value)
			}
		}
		all = append(all, a)
	}
	return index, all, nil
}

// localRoutes returns the addresses for which IPv6 packets are received on the
// interface with an index.
func (h *Host) localRoutes(index int) (map[netip.Addr]bool, error) {
	routes, err := h.route.list(newRequest(unix.RTM_GETROUTE, 0, unix.RtMsg{Family: unix.AF_INET6}))
	if err != nil {
		return nil, err
	}
	local := make(map[netip.Addr]bool)
	for _, m := range routes {
		attributes, err := m.attributes(unix.SizeofRtMsg)
		if err != nil {
			return nil, err
		}
		if m.body[7] != unix.RTN_LOCAL {
			continue
		}
		var to netip.Addr
		var here bool
		for _, at := range attributes {
			switch {
			case at.kind == unix.RTA_DST:
				to, _ = netip.AddrFromSlice(at.value)
			case at.kind == unix.RTA_OIF && len(at.value) == 4:
				here = int(binary.NativeEndian.Uint32(at.value)) == index
			}
		}
		if here {
			local[to] = true
		}
	}
	return local, nil
}
