package udp

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"example.com/dgram/internal/kernel"
)

// binder is the address state of a socket: whether it is bound and connected, and where.
type binder struct {
	s *Socket

	addrMu    fifoMutex                // held by Bind, Connect and Disconnect
	endpoint  atomic.Pointer[endpoint] // nil until bound; replaced, never changed
	listening latch                    // set once the socket is bound
	connected latch                    // set while the socket has a peer
}

// autoBind returns the endpoint of the socket. It binds an unbound socket to a free
// port on every interface, once, however many callers there are.
func (b *binder) autoBind(ctx context.Context, op string) (*endpoint, error) {
	return b.autoBindFor(ctx, op, netip.Addr{})
}

// autoBindFor is autoBind for a socket that is about to send to addr. A "udp"
// socket takes the family of addr.
func (b *binder) autoBindFor(ctx context.Context, op string, addr netip.Addr) (*endpoint, error) {
	if ep := b.endpoint.Load(); ep != nil && !b.s.ending() {
		return ep, nil
	}
	if err := b.lockAddr(ctx); err != nil {
		return nil, b.s.opError(op, netip.AddrPort{}, err)
	}
	defer b.addrMu.unlock()
	if ep := b.endpoint.Load(); ep != nil {
		return ep, nil
	}
	if err := b.bindTo(netip.AddrPort{}, netip.AddrPort{}, b.chooseFamily(addr), ""); err != nil {
		return nil, err
	}
	return b.endpoint.Load(), nil
}

// chooseFamily returns the network of a socket whose first address is a: the
// family of a if the socket has none yet.
func (b *binder) chooseFamily(a netip.Addr) string {
	switch network := b.s.cfg.kernel.Network; {
	case network != "udp":
		return network
	case a.Is4() && !b.s.cfg.kernel.IPv6Only:
		return "udp4"
	case a.Is6():
		return "udp6"
	}
	return b.s.anyFamily()
}

// bindTo opens the kernel sockets, and connects them if peer is valid. The caller
// holds addrMu.
func (b *binder) bindTo(local, peer netip.AddrPort, network, address string) error {
	op := "bind"
	if peer.IsValid() {
		op = "connect"
	}
	ep, err := b.open(local, peer, network, address)
	if err != nil {
		if address == "" {
			return b.s.opError(op, peer, b.s.closedError(err))
		}
		return b.s.opErrorText(op, address, b.s.closedError(err))
	}
	if !b.publish(ep) {
		ep.close()
		return b.s.opErrorText(op, address, net.ErrClosed)
	}
	return nil
}

func (b *binder) open(local, peer netip.AddrPort, network, address string) (*endpoint, error) {
	cfg := b.s.cfg.kernel
	cfg.Network, cfg.Local, cfg.Address = network, local, address
	cfg.IPv6Only = cfg.IPv6Only && network == "udp6"
	cfg.ReusePort = cfg.ReusePort || b.s.cfg.readers > 1
	wildcard := !local.Addr().IsValid() || local.Addr().IsUnspecified()
	cfg.PacketInfo = b.wantPacketInfo(wildcard || local.Addr().IsMulticast())
	ep := &endpoint{
		rules:    rules{network: network, v6only: cfg.IPv6Only, block: b.s.cfg.sendBlock},
		wildcard: wildcard,
	}
	for range b.s.cfg.readers {
		conn, err := b.s.system.Open(cfg)
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
func (b *binder) wantPacketInfo(wildcard bool) kernel.Want {
	switch want := b.s.cfg.packetInfo; {
	case want == on:
		return kernel.On
	case b.s.cfg.readers > 1: // the readers have to know a broadcast datagram
		return kernel.Try
	case want == off || !wildcard:
		return kernel.Off
	}
	return kernel.Try
}

// publish stores the endpoint and starts the readers. It returns false if the
// socket has begun to end.
func (b *binder) publish(ep *endpoint) bool {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.s.closing || b.s.draining.Load() != nil {
		return false
	}
	b.endpoint.Store(ep)
	b.s.readDeadline.attach(ep.conns)
	b.listening.set(true)
	b.connected.set(ep.peer.IsValid())
	b.s.startReaders(ep)
	b.s.holdDevice(ep)
	return true
}

func (ep *endpoint) close() {
	for _, c := range ep.conns {
		c.Close()
	}
}

// lockAddr locks addrMu.
func (b *binder) lockAddr(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if b.s.ending() {
		return b.s.endError()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.s.draining.Load() != nil {
		return ErrDrained
	}
	entered := b.addrMu.lock(ctx.Done(), b.s.lifetime.done)
	switch {
	case b.s.ending():
		if entered {
			b.addrMu.unlock()
		}
		return b.s.endError()
	case !entered:
		return ctx.Err()
	case b.s.draining.Load() != nil: // Drain has begun meanwhile
		b.addrMu.unlock()
		return ErrDrained
	}
	return nil
}

// move stores an endpoint on the same kernel sockets.
func (b *binder) move(ep *endpoint) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.endpoint.Store(ep)
	b.connected.set(ep.peer.IsValid())
}
