//go:build unix || windows

package portable

import (
	"net"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/kernel"
)

// Index returns the index of an interface by its number or name. It asks the system
// each time, because an interface that is made again has another index.
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

// canListInterfaces reports whether programs can list interfaces, which Android
// forbids to apps. Only then does a failed lookup mean that there is no such
// interface.
func canListInterfaces() bool {
	_, err := net.Interfaces()
	return err == nil
}

// zoned sets the zone of a to the name of the interface with an index, or to the
// index if it was deleted.
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

// canonical returns a in the form of the addresses that the kernel returns, for
// comparison.
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
