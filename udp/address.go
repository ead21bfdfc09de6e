package udp

import "net/netip"

// Network is "udp4" or "udp6". A "udp" socket that has not settled yet says
// what it would be on every interface.
func (s *Socket) Network() string {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.network
	}
	if s.cfg.kernel.Network != "udp" {
		return s.cfg.kernel.Network
	}
	return s.anyFamily()
}

// anyFamily is what "udp" means where no address tells.
func (s *Socket) anyFamily() string {
	if s.cfg.kernel.IPv6Only || s.system.IPv6() {
		return "udp6"
	}
	return "udp4"
}

// LocalAddr returns the address that the socket is bound to, or the zero AddrPort
// before it is bound. While a socket that is bound to every address is connected,
// it is the one address that the kernel chose for the peer. After Close it is the
// last address.
func (s *Socket) LocalAddr() netip.AddrPort {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.local
	}
	return netip.AddrPort{}
}

// RemoteAddr returns the peer of a connected socket, or the zero AddrPort. After
// Close it is the last peer.
func (s *Socket) RemoteAddr() netip.AddrPort {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.peer
	}
	return netip.AddrPort{}
}

// String returns the network and the addresses of the socket, for logs:
// "udp4 127.0.0.1:41234", "udp4 127.0.0.1:41234->192.0.2.1:53" while it is
// connected, "udp4 unbound" before it is bound.
func (s *Socket) String() string {
	ep := s.endpoint.Load()
	switch {
	case ep == nil:
		return s.Network() + " unbound"
	case ep.peer.IsValid():
		return ep.network + " " + ep.local.String() + "->" + ep.peer.String()
	}
	return ep.network + " " + ep.local.String()
}
