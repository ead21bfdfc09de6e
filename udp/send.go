package udp

import (
	"context"
	"net"
	"net/netip"
	"time"

	"example.com/dgram/internal/kernel"
)

// Send sends one datagram to the peer of a connected socket. The payload is the
// parts in a row; no parts are an empty datagram. Without a peer it is
// [ErrNotConnected].
//
// Send returns when the kernel has accepted the datagram. That does not mean that
// the datagram arrives. While the kernel's buffer is full Send waits, in order with
// other senders, for room, for ctx or for the end of the socket. An ICMP error about
// an earlier datagram goes to Errors and does not fail this one.
func (s *Socket) Send(ctx context.Context, parts ...[]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("send", netip.AddrPort{}, err)
	}
	ep := s.endpoint.Load()
	if ep == nil || !ep.peer.IsValid() {
		return s.opError("send", netip.AddrPort{}, ErrNotConnected)
	}
	if err := ep.check(netip.AddrPort{}, netip.Addr{}, sizeOf(parts), len(parts)); err != nil {
		return s.opError("send", ep.peer, err)
	}
	return s.sender.send(ctx, ep, route{}, parts)
}

// SendTo sends one datagram to an address. The payload is the parts in a row. It
// binds an unbound socket. On a connected socket it is [ErrAlreadyConnected]. It
// waits as [Socket.Send] does.
func (s *Socket) SendTo(ctx context.Context, to netip.AddrPort, parts ...[]byte) error {
	return s.sendVia(ctx, route{to: to}, parts)
}

// SendToHost resolves "host:port" and sends one datagram there. An empty host is
// loopback. Each call resolves the name again, unless [WithLookupCache] is given: calling
// [Socket.Resolve] once and then SendTo is cheaper.
func (s *Socket) SendToHost(ctx context.Context, address string, parts ...[]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opErrorText("send", address, err)
	}
	if ep := s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return s.opErrorText("send", address, ErrAlreadyConnected)
	}
	t, err := s.parse(address, false)
	if err != nil {
		return s.opErrorText("send", address, err)
	}
	answers, err := s.lookup(ctx, t, s.lookupCached)
	if err != nil {
		return s.opErrorText("send", address, s.closedError(err))
	}
	to := preferIPv4(answers)
	if err := s.rules().check(to, netip.Addr{}, sizeOf(parts), len(parts)); err != nil {
		return s.opErrorText("send", address, err)
	}
	if _, err := s.autoBindFor(ctx, "send", t.addr); err != nil {
		return err
	}
	return s.SendTo(ctx, to, parts...)
}

// Reply sends a datagram to m.From, from the address m.To, so that the other side
// hears from the address that it asked. Where the kernel refuses that source, as for
// a group or a broadcast address, the system chooses one. On a connected socket the
// reply goes to the peer.
//
// Only the addresses of m matter: Reply may follow Release, and m may be made by
// hand. An m.From without an address, or with an unspecified one, is an error.
func (s *Socket) Reply(ctx context.Context, m Message, parts ...[]byte) error {
	ep := s.endpoint.Load()
	if ep != nil && ep.peer.IsValid() {
		return s.Send(ctx, parts...)
	}
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("send", m.From, err)
	}
	if a := m.From.Addr(); !a.IsValid() || a.IsUnspecified() {
		return s.opError("send", m.From, missingAddress{})
	}
	if zone := m.To.Zone(); zone != m.From.Addr().Zone() {
		if err := s.knownZone(zone); err != nil {
			return s.opError("send", m.From, err)
		}
	}
	r := route{to: m.From}
	if ep == nil || ep.wildcard {
		r.from, r.index = m.replySource()
		r.anySource = true
	}
	return s.sendVia(ctx, r, parts)
}

// replySource returns the source address and interface of a reply to m. The source
// is zero where it cannot be an address of this host.
func (m Message) replySource() (from netip.Addr, index int) {
	to := m.To.Unmap()
	if !to.IsValid() || to.IsUnspecified() || to.IsMulticast() || to == broadcast {
		return netip.Addr{}, 0
	}
	if to.Is6() && to.IsLinkLocalUnicast() {
		index = m.Interface
	}
	return to.WithZone(""), index
}

// sendVia is SendTo with a source address and an interface.
func (s *Socket) sendVia(ctx context.Context, r route, parts [][]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("send", r.to, err)
	}
	r.to = unmap(r.to)
	r.from = s.source(r.to, r.from)
	size := sizeOf(parts)
	ep := s.endpoint.Load()
	if ep == nil {
		if err := s.unboundRules().check(r.to, r.from, size, len(parts)); err != nil {
			return s.opError("send", r.to, err)
		}
		var err error
		if ep, err = s.autoBindFor(ctx, "send", r.to.Addr()); err != nil {
			return err
		}
	}
	if ep.peer.IsValid() { // a zero address is not the peer here
		return s.opError("send", r.to, ErrAlreadyConnected)
	}
	if err := ep.check(r.to, r.from, size, len(parts)); err != nil {
		return s.opError("send", r.to, err)
	}
	return s.sender.send(ctx, ep, r, parts)
}

func sizeOf(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// sleep sleeps for d. It ends early, with an error, when stop closes or the
// socket ends.
func (s *Socket) sleep(d time.Duration, stop <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-stop:
		return kernel.ErrStopped
	case <-s.lifetime.done:
		return net.ErrClosed
	}
}
