package udp

import (
	"context"
	"net/netip"
)

// Bind gives the socket its address, "host:port" as in package net: an empty
// host is every interface, port 0 a free one, and "" is ":0". A multicast
// group is an address too: only its datagrams arrive then.
//
// ctx bounds the call, a name's lookup above all. A socket is bound once: after
// that it is [ErrAlreadyBound]. Bind that fails leaves the socket as it was.
func (s *Socket) Bind(ctx context.Context, address string) error {
	if err := s.lockAddr(ctx); err != nil {
		return s.opErrorText("bind", address, err)
	}
	defer s.addrMu.unlock()
	if s.endpoint.Load() != nil {
		return s.opErrorText("bind", address, ErrAlreadyBound)
	}
	t, err := s.parse(address, true)
	if err != nil {
		return s.opErrorText("bind", address, err)
	}
	answers, err := s.lookup(ctx, t, s.lookupName)
	if err != nil {
		return s.opErrorText("bind", address, s.closedError(err))
	}
	return s.bindTo(preferIPv4(answers), netip.AddrPort{}, s.chooseFamily(t.addr), address)
}
