//go:build unix || windows

package portable

import (
	"net"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/kernel"
)

// Index resolves the number or name of an interface. It asks the system each
// time: an interface that was made again has another index.
func (c *conn) Index(zone string) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	return zoneIndex(zone)
}

func zoneIndex(zone string) (int, error) {
	if n, err := strconv.ParseUint(zone, 10, 31); err == nil && n > 0 {
		if _, err := net.InterfaceByIndex(int(n)); err != nil && canListInterfaces() {
			return 0, kernel.ZoneError(zone)
		}
		return int(n), nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, kernel.ZoneError(zone)
	}
	return i.Index, nil
}

// canListInterfaces reports whether not to find an interface means that there is
// none: Android lets no app look.
func canListInterfaces() bool {
	_, err := net.Interfaces()
	return err == nil
}

// zoned gives a the zone that the kernel calls index: by name, or by number
// where the interface has gone.
func zoned(a netip.Addr, index int) netip.Addr {
	a = a.Unmap()
	if index == 0 {
		return a
	}
	if i, err := net.InterfaceByIndex(index); err == nil {
		return a.WithZone(i.Name)
	}
	return a.WithZone(strconv.Itoa(index))
}

// canonical writes a as the kernel's answers are written here, so that they
// can be compared.
func canonical(a netip.AddrPort) (netip.AddrPort, error) {
	addr := a.Addr().Unmap()
	if zone := addr.Zone(); zone != "" {
		index, err := zoneIndex(zone)
		if err != nil {
			return a, err
		}
		addr = zoned(addr, index)
	}
	return netip.AddrPortFrom(addr, a.Port()), nil
}
