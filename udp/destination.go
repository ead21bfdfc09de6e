package udp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// Limits of one datagram: the length fields of UDP and IP, and IOV_MAX.
const (
	maxPayload4 = 65507
	maxPayload6 = 65527
	maxParts    = 1024
)

// rules decide where a socket may send. An unbound socket has the rules of its
// options, and a bound one those of its endpoint.
type rules struct {
	network string         // "udp4", "udp6", or "udp" before the first address
	v6only  bool           // an IPv6 socket that cannot send to IPv4
	system  kernel.System  // to look up zones, where there is no kernel socket yet
	peer    netip.AddrPort // valid while connected
	block   BlockList      // of destinations, or nil
}

// rules returns the rules that hold now.
func (s *Socket) rules() *rules {
	if ep := s.endpoint.Load(); ep != nil {
		return &ep.rules
	}
	return s.unboundRules()
}

func (s *Socket) unboundRules() *rules {
	return &rules{network: s.cfg.kernel.Network, v6only: s.cfg.kernel.IPv6Only, block: s.cfg.sendBlock, system: s.system}
}

// check returns an error if a datagram of size bytes in so many parts cannot go to
// an address. A zero to is the peer of a connected socket. A valid from is the
// source address. Addresses are unmapped: see [unmap].
func (r *rules) check(to netip.AddrPort, from netip.Addr, size, parts int) error {
	if r.peer.IsValid() {
		if to != (netip.AddrPort{}) {
			return ErrAlreadyConnected
		}
		to = r.peer
	} else if err := r.checkTo(to); err != nil {
		return err
	}
	limit := maxPayload6
	if to.Addr().Is4() {
		limit = maxPayload4
	}
	switch {
	case from.IsValid() && from.Is4() != to.Addr().Is4():
		return fmt.Errorf("%w: from %v to %v", ErrAddressFamily, from, to.Addr())
	case size > limit:
		return tooLong(fmt.Sprintf("datagram of %d bytes, and the limit is %d", size, limit))
	case parts > maxParts:
		return tooLong(fmt.Sprintf("datagram of %d parts, and the limit is %d", parts, maxParts))
	}
	return nil
}

// checkTo checks the destination of an unconnected socket.
func (r *rules) checkTo(to netip.AddrPort) error {
	if to == (netip.AddrPort{}) {
		return missingPeer{}
	}
	if err := r.family(to.Addr()); err != nil {
		return err
	}
	if r.system != nil {
		if err := knownZone(r.system, to.Addr().Zone()); err != nil {
			return err
		}
	}
	if to.Port() == 0 {
		return ErrBadPort
	}
	if blocks(r.block, to.Addr()) {
		return ErrBlocked
	}
	return nil
}

// family returns an error if the socket cannot send to a.
func (r *rules) family(a netip.Addr) error {
	switch {
	case !a.IsValid():
		return missingAddress{}
	case a.Is4() && (r.network == "udp4" || !r.v6only), a.Is6() && r.network != "udp4":
		return nil
	}
	return fmt.Errorf("%w: %v on %s", ErrAddressFamily, a, r.network)
}

// target returns where a datagram to an address goes.
func (r *rules) target(to netip.AddrPort) netip.AddrPort {
	if to == (netip.AddrPort{}) {
		return r.peer
	}
	return to
}

// unmap makes IPv4 of an IPv4-mapped address.
func unmap(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Is4In6() {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return a
}

// blocks reports whether list contains a, whatever the zone of a.
func blocks(list BlockList, a netip.Addr) bool {
	return list != nil && list.Contains(a.WithZone(""))
}

// knownZone returns an error if no interface has the zone. A bound socket looks in its
// own network namespace.
func (s *Socket) knownZone(zone string) error {
	ep := s.endpoint.Load()
	if zone == "" || ep == nil {
		return knownZone(s.system, zone)
	}
	_, err := ep.conns[0].Index(zone)
	return err
}

// knownZone checks a zone where there is no kernel socket yet to ask.
func knownZone(system kernel.System, zone string) error {
	if zone == "" {
		return nil
	}
	if own, ok := system.(kernel.InterfaceSystem); ok {
		for _, i := range own.Interfaces() {
			if i.Name == zone || strconv.Itoa(i.Index) == zone {
				return nil
			}
		}
		return kernel.ZoneError(zone)
	}
	find := func() (*net.Interface, error) { return net.InterfaceByName(zone) }
	if index, err := strconv.Atoi(zone); err == nil {
		find = func() (*net.Interface, error) { return net.InterfaceByIndex(index) }
	}
	if _, err := find(); err != nil {
		return kernel.ZoneError(zone)
	}
	return nil
}

// missingAddress is a destination without an address.
type missingAddress struct{}

func (missingAddress) Error() string { return "missing address" }

func (missingAddress) Is(target error) bool {
	return target == ErrAddressFamily || target == posix.EDESTADDRREQ
}

// missingPeer is a datagram without a destination on a socket without a peer.
type missingPeer struct{ missingAddress }

func (e missingPeer) Is(target error) bool {
	return e.missingAddress.Is(target) || target == ErrNotConnected || target == posix.ENOTCONN
}

// tooLong is syscall.EMSGSIZE with the size and the limit.
type tooLong string

func (e tooLong) Error() string { return string(e) }

func (e tooLong) Is(target error) bool { return target == posix.EMSGSIZE }
