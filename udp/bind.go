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

// autoBind returns the endpoint of the socket. It binds an unbound socket to a free
// port on every interface, once, however many callers there are.
func (s *Socket) autoBind(ctx context.Context, op string) (*endpoint, error) {
	return s.autoBindFor(ctx, op, netip.Addr{})
}

// autoBindFor is autoBind for a socket that is about to send to addr. A "udp"
// socket takes the family of addr.
func (s *Socket) autoBindFor(ctx context.Context, op string, addr netip.Addr) (*endpoint, error) {
	if ep := s.endpoint.Load(); ep != nil && !s.ending() {
		return ep, nil
	}
	if err := s.lockAddr(ctx); err != nil {
		return nil, s.opError(op, netip.AddrPort{}, err)
	}
	defer s.addrMu.unlock()
	if ep := s.endpoint.Load(); ep != nil {
		return ep, nil
	}
	if err := s.bindTo(netip.AddrPort{}, netip.AddrPort{}, s.chooseFamily(addr), ""); err != nil {
		return nil, err
	}
	return s.endpoint.Load(), nil
}

// chooseFamily returns the network of a socket whose first address is a: the
// family of a if the socket has none yet.
func (s *Socket) chooseFamily(a netip.Addr) string {
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

// bindTo opens the kernel sockets, and connects them if peer is valid. The caller
// holds addrMu.
func (s *Socket) bindTo(local, peer netip.AddrPort, network, address string) error {
	op := "bind"
	if peer.IsValid() {
		op = "connect"
	}
	ep, err := s.open(local, peer, network, address)
	if err != nil {
		if address == "" {
			return s.opError(op, peer, s.closedError(err))
		}
		return s.opErrorText(op, address, s.closedError(err))
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
	cfg.PacketInfo = s.wantPacketInfo(wildcard || local.Addr().IsMulticast())
	ep := &endpoint{
		rules:    rules{network: network, v6only: cfg.IPv6Only, block: s.cfg.sendBlock},
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

// wantPacketInfo returns whether the kernel should add the destination to each
// datagram: if the socket has several addresses, or if the user asked for it.
func (s *Socket) wantPacketInfo(wildcard bool) kernel.Want {
	switch want := s.cfg.packetInfo; {
	case want == on:
		return kernel.On
	case s.cfg.readers > 1: // the readers have to know a broadcast datagram
		return kernel.Try
	case want == off || !wildcard:
		return kernel.Off
	}
	return kernel.Try
}

// publish stores the endpoint and starts the readers. It returns false if the
// socket has begun to end.
func (s *Socket) publish(ep *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.draining.Load() != nil {
		return false
	}
	s.endpoint.Store(ep)
	s.readDeadline.attach(ep.conns)
	s.listening.set(true)
	s.connected.set(ep.peer.IsValid())
	s.startReaders(ep)
	s.holdDevice(ep)
	return true
}

func (ep *endpoint) close() {
	for _, c := range ep.conns {
		c.Close()
	}
}

// lockAddr locks addrMu.
func (s *Socket) lockAddr(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if s.ending() {
		return s.endError()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.draining.Load() != nil {
		return ErrDrained
	}
	entered := s.addrMu.lock(ctx.Done(), s.lifetime.done)
	switch {
	case s.ending():
		if entered {
			s.addrMu.unlock()
		}
		return s.endError()
	case !entered:
		return ctx.Err()
	}
	return nil
}

// closedError returns endError if the socket has begun to end, else err.
func (s *Socket) closedError(err error) error {
	if s.ending() {
		return s.endError()
	}
	return err
}
