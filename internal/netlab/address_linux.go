package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// AddAddress gives an interface an address with the length of its prefix, as in
// "10.0.0.1/24" or "fd00::1/64". It can be bound at once.
func (h *Host) AddAddress(name, address string) error {
	return h.setAddress("add address", unix.RTM_NEWADDR, create, name, address)
}

// RemoveAddress takes an address from an interface.
func (h *Host) RemoveAddress(name, address string) error {
	return h.setAddress("remove address", unix.RTM_DELADDR, 0, name, address)
}

func (h *Host) setAddress(verb string, kind, flags uint16, name, address string) error {
	what := verb + " " + address + " of " + name
	if kind == unix.RTM_NEWADDR {
		what = verb + " " + address + " to " + name
	}
	return h.on(what, func() (*request, error) {
		prefix, err := netip.ParsePrefix(address)
		if err != nil {
			return nil, err
		}
		index, err := h.index(name)
		if err != nil {
			return nil, err
		}
		r := newRequest(kind, flags, unix.IfAddrmsg{
			Family:    family(prefix.Addr()),
			Prefixlen: uint8(prefix.Bits()),
			Flags:     unix.IFA_F_NODAD,
			Index:     uint32(index),
		})
		r.bytes(unix.IFA_LOCAL, prefix.Addr().AsSlice())
		r.bytes(unix.IFA_ADDRESS, prefix.Addr().AsSlice())
		if prefix.Addr().Is4() && prefix.Bits() < 31 {
			r.bytes(unix.IFA_BROADCAST, lastOf(prefix).AsSlice())
		}
		return r, nil
	})
}

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

// allBindable reports whether no IPv6 address of an interface is tentative.
func (h *Host) allBindable(name string) (bool, error) {
	_, all, err := h.addresses(name)
	for _, a := range all {
		if a.flags&unix.IFA_F_TENTATIVE != 0 {
			return false, err
		}
	}
	return true, err
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

// haveIPv6 returns why a new namespace has no IPv6.
func haveIPv6() error {
	_, err := os.Stat("/proc/sys/net/ipv6")
	return err
}

// family returns the address family of ip.
func family(ip netip.Addr) uint8 {
	if ip.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// lastOf returns the last address of an IPv4 prefix, its broadcast address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	host := uint32(1)<<(32-p.Bits()) - 1
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|host)
	return netip.AddrFrom4(b)
}
