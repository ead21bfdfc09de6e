package session

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Messages have the zone of a link-local peer by the name of the interface. The number
// of an interface is one of the program's own network namespace. A socket of another
// one, or of a simulated host, does not know the interface that has the number here.

// canonical returns an address as the messages of the socket have it: IPv4 as IPv4,
// the zone as a name.
func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(canonicalAddr(a.Addr()), a.Port())
}

func canonicalAddr(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Zone() == "" {
		return a
	}
	if index, err := strconv.Atoi(a.Zone()); err == nil {
		if i, err := net.InterfaceByIndex(index); err == nil {
			return a.WithZone(i.Name)
		}
	}
	return a
}

// resolvePeer returns a peer as messages have it, if the socket can send to it.
func (m *Mux) resolvePeer(ctx context.Context, peer netip.AddrPort) (netip.AddrPort, error) {
	named := canonical(peer)
	to, err := m.socket.Resolve(ctx, named.String()) // a literal: it is only checked
	if err == nil || named.Addr().Zone() == peer.Addr().Zone() {
		return to, err
	}
	if _, known := m.socket.Resolve(ctx, peer.String()); known != nil {
		return to, known
	}
	return to, m.opError("open", peer, fmt.Errorf("zone %s is another interface for the socket than %s: use its name: %w",
		peer.Addr().Zone(), named.Addr().Zone(), err))
}
