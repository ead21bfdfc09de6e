package udp

import (
	"context"
	"net"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// Bind gives the socket its address, "host:port" as in package net: an empty
// host is every interface, port 0 a free one, and "" is ":0". A multicast
// group is an address too: only its datagrams arrive then.
//
// ctx bounds the call, a name's lookup above all. A socket is bound once: after
// that it is [ErrAlreadyBound]. Bind that fails leaves the socket as it was.
func (s *Socket) Bind(ctx context.Context, address string) error {
	if err := s.take(ctx); err != nil {
		return s.opErrorText("bind", address, err)
	}
	defer s.turn.leave()
	if s.endpoint.Load() != nil {
		return s.opErrorText("bind", address, ErrAlreadyBound)
	}
	t, err := s.parse(address, true)
	if err != nil {
		return s.opErrorText("bind", address, err)
	}
	local, err := s.lookup(ctx, t)
	if err != nil {
		return s.opErrorText("bind", address, s.ending(err))
	}
	return s.bindTo(local, netip.AddrPort{}, s.settle(t.addr), address)
}

// implicit returns the endpoint of the socket, which it binds to a free port
// on every interface if it has none: once, however many ask.
func (s *Socket) implicit(ctx context.Context, op string) (*endpoint, error) {
	return s.implicitFor(ctx, op, netip.Addr{})
}

// implicitFor is implicit for a socket that is about to talk to addr, whose
// family it settles on if it has none.
func (s *Socket) implicitFor(ctx context.Context, op string, addr netip.Addr) (*endpoint, error) {
	if ep := s.endpoint.Load(); ep != nil && !s.over() {
		return ep, nil
	}
	if err := s.take(ctx); err != nil {
		return nil, s.opError(op, netip.AddrPort{}, err)
	}
	defer s.turn.leave()
	if ep := s.endpoint.Load(); ep != nil {
		return ep, nil
	}
	if err := s.bindTo(netip.AddrPort{}, netip.AddrPort{}, s.settle(addr), ""); err != nil {
		return nil, err
	}
	return s.endpoint.Load(), nil
}

// settle is the family for an address: a literal's own, if the socket has
// none.
func (s *Socket) settle(a netip.Addr) string {
	switch network := s.cfg.kernel.Network; {
	case network != "udp":
		return network
	case a.Is4() && !s.cfg.kernel.IPv6Only:
		return "udp4"
	case a.Is6():
		return "udp6"
	}
	return s.anyFamily()
}

// bindTo opens the kernel sockets. A valid peer is connected to at once. The
// caller holds the turn.
func (s *Socket) bindTo(local, peer netip.AddrPort, network, address string) error {
	op := "bind"
	if peer.IsValid() {
		op = "connect"
	}
	ep, err := s.open(local, peer, network, address)
	if err != nil {
		if address == "" {
			return s.opError(op, peer, s.ending(err))
		}
		return s.opErrorText(op, address, s.ending(err))
	}
	if !s.publish(ep) {
		ep.close()
		return s.opErrorText(op, address, net.ErrClosed)
	}
	return nil
}

func (s *Socket) open(local, peer netip.AddrPort, network, address string) (*endpoint, error) {
	cfg := s.cfg.kernel
	cfg.Network, cfg.Local, cfg.Address = network, local, address
	cfg.IPv6Only = cfg.IPv6Only && network == "udp6"
	cfg.ReusePort = cfg.ReusePort || s.cfg.readers > 1
	wildcard := !local.Addr().IsValid() || local.Addr().IsUnspecified()
	cfg.PacketInfo = s.wantPacketInfo(wildcard)
	ep := &endpoint{
		inet6:    network == "udp6",
		dual:     network == "udp6" && !cfg.IPv6Only,
		wildcard: wildcard,
	}
	for range s.cfg.readers {
		conn, err := s.system.Open(cfg)
		if err != nil {
			ep.close()
			return nil, err
		}
		ep.conns = append(ep.conns, conn)
		if len(ep.conns) > 1 {
			continue
		}
		if ep.bound, err = conn.LocalAddr(); err != nil {
			ep.close()
			return nil, err
		}
		cfg.Local = netip.AddrPortFrom(cfg.Local.Addr(), ep.bound.Port())
	}
	ep.local = ep.bound
	if !peer.IsValid() {
		return ep, nil
	}
	next, err := ep.connected(peer)
	if err != nil {
		ep.close()
		return nil, err
	}
	return next, nil
}

// wantPacketInfo says whether the kernel should tell where datagrams were sent
// to: where the socket has many addresses, or where the user wants it.
func (s *Socket) wantPacketInfo(wildcard bool) kernel.Want {
	switch want := s.cfg.packetInfo; {
	case want == yes:
		return kernel.On
	case want == no || !wildcard:
		return kernel.Off
	}
	return kernel.Try
}

// publish makes the endpoint the socket's own, and starts what waited for it.
// A socket that ends takes it no more.
func (s *Socket) publish(ep *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finishing {
		return false
	}
	s.endpoint.Store(ep)
	s.listening.set(true)
	s.connected.set(ep.peer.IsValid())
	s.startReaders(ep)
	return true
}

func (ep *endpoint) close() {
	for _, c := range ep.conns {
		c.Close()
	}
}

// take waits for the turn to change the socket's addresses.
func (s *Socket) take(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if s.over() {
		return net.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	entered := s.turn.enter(ctx.Done(), s.life.done)
	switch {
	case s.over():
		if entered {
			s.turn.leave()
		}
		return net.ErrClosed
	case !entered:
		return ctx.Err()
	}
	return nil
}

// ending is what an error means when the socket has begun to end under it.
func (s *Socket) ending(err error) error {
	if s.over() {
		return net.ErrClosed
	}
	return err
}
