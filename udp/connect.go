package udp

import (
	"context"
	"net"
	"net/netip"
)

// Connect gives the socket a peer: from its return on the socket sends only to the peer,
// and delivers only what the peer sent (but see [WithReaders]). What others sent before
// is dropped and counted (Stats.DroppedBlocked), also what waits in Messages. An empty
// host is loopback. An unbound socket is bound to a free port first. If a name has
// several addresses and the kernel cannot connect to one of them, for example because
// there is no route, Connect tries the next.
//
// If nothing listens at the peer, that arrives later, on [Socket.Errors], and fails no
// datagram. ctx bounds the call. Connect that fails leaves the socket as it
// was; on a connected one it is [ErrAlreadyConnected].
func (s *Socket) Connect(ctx context.Context, address string) error {
	if err := s.lockAddr(ctx); err != nil {
		return s.opErrorText("connect", address, err)
	}
	defer s.addrMu.unlock()
	ep := s.endpoint.Load()
	if ep != nil && ep.peer.IsValid() {
		return s.opErrorText("connect", address, ErrAlreadyConnected)
	}
	t, err := s.parse(address, false)
	if err != nil {
		return s.opErrorText("connect", address, err)
	}
	peers, err := s.lookup(ctx, t, s.lookupName)
	if err != nil {
		return s.opErrorText("connect", address, s.closedError(err))
	}
	defer s.pauseWriter()()
	var first error
	for _, peer := range peers {
		err := s.connectTo(ep, peer, s.chooseFamily(t.addr), address)
		if err == nil || s.ending() {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// connectTo connects the socket to one address. ep is nil if the socket is unbound.
func (s *Socket) connectTo(ep *endpoint, peer netip.AddrPort, network, address string) error {
	if blocks(s.cfg.sendBlock, peer.Addr()) {
		return s.opErrorText("connect", address, ErrBlocked)
	}
	if ep == nil {
		return s.bindTo(netip.AddrPort{}, peer, network, address)
	}
	next, err := ep.connected(peer)
	if err != nil {
		return s.opErrorText("connect", address, s.closedError(err))
	}
	s.move(next)
	s.sift()
	return nil
}

// connected connects the first kernel socket and returns its new endpoint.
func (ep *endpoint) connected(peer netip.AddrPort) (*endpoint, error) {
	conn := ep.conns[0]
	if err := conn.Connect(peer); err != nil {
		return nil, err
	}
	next := *ep
	var err error
	if next.local, err = conn.LocalAddr(); err == nil {
		next.peer, err = conn.RemoteAddr()
	}
	if err != nil {
		return nil, err
	}
	return &next, nil
}

// Disconnect removes the peer. The socket keeps its local address and port
// (Linux alone would give up a port that it had chosen); on a socket without a
// peer it is [ErrNotConnected].
func (s *Socket) Disconnect() error {
	if err := s.lockAddr(context.Background()); err != nil {
		return s.opError("disconnect", netip.AddrPort{}, net.ErrClosed)
	}
	defer s.addrMu.unlock()
	ep := s.endpoint.Load()
	if ep == nil || !ep.peer.IsValid() {
		return s.opError("disconnect", netip.AddrPort{}, ErrNotConnected)
	}
	defer s.pauseWriter()()
	if err := ep.conns[0].Disconnect(ep.bound); err != nil {
		return s.opError("disconnect", ep.peer, s.closedError(err))
	}
	next := *ep
	next.peer = netip.AddrPort{}
	next.local = ep.bound
	s.move(&next)
	return nil
}

// Listening returns a channel that is closed once the socket has an address. It stays
// open if the socket ends without one: select with [Socket.Done].
func (s *Socket) Listening() <-chan struct{} { return s.listening.done() }

// Connected returns a channel that is closed while the socket has a peer. After
// Disconnect it returns a fresh channel.
func (s *Socket) Connected() <-chan struct{} { return s.connected.done() }
