package kernel

import (
	"net"
	"net/netip"
)

// UDPAddr is a as package net has it, in one piece of memory: net's own
// conversion takes two, and for each datagram that is read one of them is
// garbage soon.
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
