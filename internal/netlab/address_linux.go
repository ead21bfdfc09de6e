package netlab

import (
	"encoding/binary"
	"net/netip"
	"os"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// AddAddress gives an interface an address with the length of its prefix, as in
// "10.0.0.1/24" or "fd00::1/64". It can be used at once if the interface is up.
func (h *Host) AddAddress(name, address string) error {
	what := "add address " + address + " to " + name
	if err := h.setAddress(what, unix.RTM_NEWADDR, create, name, address); err != nil {
		return err
	}
	if l, err := h.link(name); err != nil || !isRunning(l) {
		return nil // the kernel does the rest when the interface comes up
	}
	return h.await(what, name, h.receives)
}

// RemoveAddress takes an address from an interface.
func (h *Host) RemoveAddress(name, address string) error {
	what := "remove address " + address + " of " + name
	return h.setAddress(what, unix.RTM_DELADDR, 0, name, address)
}

func (h *Host) setAddress(what string, kind, flags uint16, name, address string) error {
	return h.on(what, func() (*netlink.Request, error) {
		prefix, err := netip.ParsePrefix(address)
		if err != nil {
			return nil, err
		}
		index, err := h.index(name)
		if err != nil {
			return nil, err
		}
		r := netlink.NewRequest(kind, flags, netlink.AddressHeader{
			Family:    family(prefix.Addr()),
			PrefixLen: uint8(prefix.Bits()),
			Flags:     unix.IFA_F_NODAD,
			Index:     uint32(index),
		})
		r.Bytes(unix.IFA_LOCAL, prefix.Addr().AsSlice())
		r.Bytes(unix.IFA_ADDRESS, prefix.Addr().AsSlice())
		if prefix.Addr().Is4() && prefix.Bits() < 31 {
			r.Bytes(unix.IFA_BROADCAST, lastOf(prefix).AsSlice())
		}
		return r, nil
	})
}

// haveIPv6 returns an error if a new namespace has no IPv6.
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
