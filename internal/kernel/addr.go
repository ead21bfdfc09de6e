package kernel

import (
	"net"
	"net/netip"
)

// UDPAddr converts a with one allocation. The conversion of package net makes two,
// one of which is garbage at once.
func UDPAddr(a netip.AddrPort) *net.UDPAddr {
	u := new(struct {
		net.UDPAddr
		ip [16]byte
	})
	switch ip := a.Addr(); {
	case ip.Is4():
		as4 := ip.As4()
		u.IP = append(u.ip[:0:4], as4[:]...)
	case ip.Is6():
		u.ip = ip.As16()
		u.IP, u.Zone = u.ip[:], ip.Zone()
	}
	u.Port = int(a.Port())
	return &u.UDPAddr
}
