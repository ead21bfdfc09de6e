package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// Limits of what one datagram can be: the length fields of UDP and IP, and
// IOV_MAX.
const (
	maxPayload4 = 65507
	maxPayload6 = 65527
	maxParts    = 1024
)

// Send sends one datagram, the parts in a row, to the peer of a connected
// socket; without a peer it is [ErrNotConnected]. No parts are an empty
// datagram.
//
// It returns when the kernel has the datagram, which is not to say that
// anybody will receive it. While the kernel's buffer is full it waits, in
// order, for room, for ctx or for the end of the socket. That the peer refuses
// is news about an earlier datagram: it goes to Errors, and this one is sent
// again.
func (s *Socket) Send(ctx context.Context, parts ...[]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("send", netip.AddrPort{}, err)
	}
	ep := s.endpoint.Load()
	if ep == nil || !ep.peer.IsValid() {
		return s.opError("send", netip.AddrPort{}, ErrNotConnected)
	}
	return s.sendFast(ctx, ep, netip.AddrPort{}, netip.Addr{}, 0, parts)
}

// SendTo sends one datagram, the parts in a row, to an address. It binds an
// unbound socket. On a connected socket it is [ErrAlreadyConnected]. It waits
// as [Socket.Send] does.
func (s *Socket) SendTo(ctx context.Context, to netip.AddrPort, parts ...[]byte) error {
	return s.sendFrom(ctx, to, netip.Addr{}, 0, parts)
}

// SendToHost resolves "host:port" and sends one datagram there. An empty host
// is loopback. Each call resolves anew: [Socket.Resolve] once and SendTo is
// cheaper.
func (s *Socket) SendToHost(ctx context.Context, address string, parts ...[]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opErrorText("send", address, err)
	}
	if ep := s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return s.opErrorText("send", address, ErrAlreadyConnected)
	}
	to, literal, err := s.resolve(ctx, address)
	if err != nil {
		return s.opErrorText("send", address, s.closedError(err))
	}
	if err := s.checkParts(s.endpoint.Load(), to, netip.Addr{}, parts); err != nil {
		return s.opErrorText("send", address, err)
	}
	if _, err := s.autoBindFor(ctx, "send", literal); err != nil {
		return err
	}
	return s.SendTo(ctx, to, parts...)
}

// Reply sends a datagram to where m came from, and from the address that m was
// sent to, so that the other side hears from whom it asked. A reply to what was
// sent to a group or a broadcast address leaves from the address that the
// system chooses. On a connected socket it goes to the peer.
//
// Of m only the addresses matter: Reply may follow Release, and m may be one
// that was kept, or made by hand.
func (s *Socket) Reply(ctx context.Context, m Message, parts ...[]byte) error {
	ep := s.endpoint.Load()
	if ep != nil && ep.peer.IsValid() {
		return s.Send(ctx, parts...)
	}
	from, index := netip.Addr{}, 0
	if ep != nil && ep.wildcard && m.To.IsValid() && !m.foreign && !m.To.IsMulticast() && !m.To.IsUnspecified() {
		from = m.To.WithZone("")
		if m.To.IsLinkLocalUnicast() && m.To.Is6() {
			index = m.Interface
		}
	}
	return s.sendFrom(ctx, m.From, from, index, parts)
}

// sendFrom is SendTo from an address and through an interface of the
// caller's choice.
func (s *Socket) sendFrom(ctx context.Context, to netip.AddrPort, from netip.Addr, index int, parts [][]byte) error {
	if err := s.checkUsable(ctx); err != nil {
		return s.opError("send", to, err)
	}
	to = unmap(to)
	ep := s.endpoint.Load()
	if err := s.checkParts(ep, to, from, parts); err != nil {
		return s.opError("send", to, err)
	}
	if ep == nil {
		var err error
		if ep, err = s.autoBindFor(ctx, "send", to.Addr()); err != nil {
			return err
		}
		if err := s.check(ep, to, from); err != nil { // another call chose the family
			return s.opError("send", to, err)
		}
	}
	return s.sendFast(ctx, ep, to, from, index, parts)
}

// unmap makes IPv4 of an IPv4-mapped address.
func unmap(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Is4In6() {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return a
}

// check says why a datagram cannot go to an address, before the kernel is
// asked.
func (s *Socket) check(ep *endpoint, to netip.AddrPort, from netip.Addr) error {
	switch {
	case ep == nil:
		if err := fits(to.Addr(), s.cfg.kernel.Network, s.cfg.kernel.IPv6Only); err != nil {
			return err
		}
		if err := knownZone(s.system, to.Addr().Zone()); err != nil {
			return err
		}
	case ep.peer.IsValid():
		return ErrAlreadyConnected
	case !ep.speaks(to.Addr()):
		return fits(to.Addr(), ep.network(), !ep.dual)
	}
	if from.IsValid() && from.Is4() != to.Addr().Is4() {
		return ErrAddressFamily
	}
	if to.Port() == 0 {
		return ErrBadPort
	}
	if s.blocked(s.cfg.sendBlock, to.Addr()) {
		return ErrBlocked
	}
	return nil
}

// checkParts is check and, before anything is bound for a datagram, whether
// its parts are one.
func (s *Socket) checkParts(ep *endpoint, to netip.AddrPort, from netip.Addr, parts [][]byte) error {
	if err := s.check(ep, to, from); err != nil || ep != nil {
		return err
	}
	d := kernel.Datagram{More: parts}
	if len(parts) > maxParts || d.Len() > maxPayload(to.Addr()) {
		return syscall.EMSGSIZE
	}
	return nil
}

// sendFast hands one datagram to the kernel: at once if there is room and no other
// sender waits, else behind the senders that wait. The call tree below it is shallow,
// because after a system call the processor has to guess every return on its
// way up.
func (s *Socket) sendFast(ctx context.Context, ep *endpoint, to netip.AddrPort, from netip.Addr, index int, parts [][]byte) error {
	if len(parts) != 1 || from.IsValid() || index != 0 || len(parts[0]) > maxPayload4 || s.waiting.Load() > 0 {
		return s.sendSlow(ctx, ep, to, from, index, parts, nil)
	}
	if err := ep.conns[0].SendTo(parts[0], to); err != nil {
		return s.sendSlow(ctx, ep, to, from, index, parts, err)
	}
	s.count.send(1, len(parts[0]))
	return nil
}

// sendSlow is sendFast for a datagram that is not one plain part, that has to
// wait, or that failed at once with err.
func (s *Socket) sendSlow(ctx context.Context, ep *endpoint, to netip.AddrPort, from netip.Addr, index int, parts [][]byte, err error) error {
	p := s.getOutgoing()
	p.pack(to, from, index, parts)
	n := p.d.Len()
	if n > ep.maxPayload(to) || len(parts) > maxParts {
		err = syscall.EMSGSIZE
	} else {
		err = s.sendOrWait(ep.conns[0], &p.d, nil, err, ctx.Done())
	}
	s.putOutgoing(p)
	if err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			return ctx.Err()
		}
		return s.opError("send", ep.target(to), err)
	}
	s.count.send(1, n)
	return nil
}

func (ep *endpoint) maxPayload(to netip.AddrPort) int {
	return maxPayload(ep.target(to).Addr())
}

func maxPayload(to netip.Addr) int {
	if to.Is4() {
		return maxPayload4
	}
	return maxPayload6
}

// target is where a datagram goes.
func (ep *endpoint) target(to netip.AddrPort) netip.AddrPort {
	if to.IsValid() {
		return to
	}
	return ep.peer
}

// outgoing is a datagram on its way to the kernel. It is reused, so that sending
// allocates nothing.
type outgoing struct {
	d    kernel.Datagram
	more [][]byte
}

var outgoingPool = sync.Pool{New: func() any { return new(outgoing) }}

func (p *outgoing) pack(to netip.AddrPort, from netip.Addr, index int, parts [][]byte) {
	p.d.To, p.d.From, p.d.Interface = to, from, index
	switch len(parts) {
	case 0:
	case 1:
		p.d.Data = parts[0]
	default:
		p.d.Data = parts[0]
		p.more = append(p.more[:0], parts[1:]...)
		p.d.More = p.more
	}
}

// getOutgoing returns the cached datagram, or one from the pool.
func (s *Socket) getOutgoing() *outgoing {
	if p := s.spare.Swap(nil); p != nil {
		return p
	}
	return outgoingPool.Get().(*outgoing)
}

// putOutgoing clears p and caches it, or gives it to the pool.
func (s *Socket) putOutgoing(p *outgoing) {
	p.d.Data, p.d.More = nil, nil
	clear(p.more)
	if s.spare.Load() == nil {
		s.spare.Store(p)
	} else {
		outgoingPool.Put(p)
	}
}

// sendOrWait sends d, or queues it if other senders wait. err is the result of an
// attempt already made, or nil.
func (s *Socket) sendOrWait(conn kernel.Conn, d *kernel.Datagram, oob []byte, err error, stop <-chan struct{}) error {
	if err == nil {
		if s.waiting.Load() > 0 {
			return s.sendQueued(conn, d, oob, stop)
		}
		if err = conn.Send(d, oob); err == nil {
			return nil
		}
	}
	if err = s.resend(conn, d, oob, err); kernel.WouldBlock(err) {
		err = s.sendQueued(conn, d, oob, stop)
	}
	return err
}

// sendQueued sends d when there is room. Until then d counts as queued.
func (s *Socket) sendQueued(conn kernel.Conn, d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	s.enqueue(d, 1)
	defer s.enqueue(d, -1)
	return s.sendBlocking(conn, d, oob, stop)
}

// enqueue counts a datagram in, or out with -1. While any is counted, later
// senders wait.
func (s *Socket) enqueue(d *kernel.Datagram, n int64) {
	s.waiting.Add(n)
	s.queued.Add(n * int64(d.Len()))
}

// sendBlocking sends d when there is room. Senders wait in order for sendMu; its
// holder waits for the kernel.
func (s *Socket) sendBlocking(conn kernel.Conn, d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	if !s.sendMu.lock(stop, s.lifetime.done) {
		if s.ending() {
			return net.ErrClosed
		}
		return kernel.ErrStopped
	}
	defer s.sendMu.unlock()
	pause := time.Millisecond
	for {
		err := conn.SendWait(d, oob, stop)
		if err = s.resend(conn, d, oob, err); !kernel.WouldBlock(err) {
			return err
		}
		if errors.Is(err, syscall.EAGAIN) {
			continue // SendWait waits for room
		}
		// ENOBUFS: the device's queue is full, and nothing says when it is not.
		if err := s.sleep(pause, stop); err != nil {
			return err
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
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
