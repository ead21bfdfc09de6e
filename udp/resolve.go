package udp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Resolve turns "host:port" into an address of the socket's family. An empty
// host is loopback. Only names reach the lookup, and the first answer of a
// usable family is taken; a literal or an answer of the wrong one is
// [ErrAddressFamily].
func (s *Socket) Resolve(ctx context.Context, address string) (netip.AddrPort, error) {
	if err := s.checkUsable(ctx); err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, err)
	}
	a, _, err := s.resolve(ctx, address)
	if err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, s.closedError(err))
	}
	return a, nil
}

// checkUsable returns an error if ctx or the socket has ended.
func (s *Socket) checkUsable(ctx context.Context) error {
	switch {
	case ctx == nil:
		return errNilContext
	case s.ending():
		return net.ErrClosed
	}
	return ctx.Err()
}

// resolve is Resolve. literal is the host where it was one.
func (s *Socket) resolve(ctx context.Context, address string) (a netip.AddrPort, literal netip.Addr, err error) {
	t, err := s.parse(address, false)
	if err != nil {
		return a, literal, err
	}
	a, err = s.lookup(ctx, t)
	return a, t.addr, err
}

// A target is an address that was taken apart.
type target struct {
	name    string     // a host that has to be looked up, or ""
	addr    netip.Addr // a literal host, or zero
	port    uint16
	service string // a port that has to be looked up, or ""
	binding bool   // an empty host is every interface, not loopback
}

// parse splits an address and checks what can be checked without a lookup.
func (s *Socket) parse(address string, binding bool) (target, error) {
	t := target{binding: binding}
	if address == "" {
		address = ":0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return t, err
	}
	if err := t.parsePort(port); err != nil {
		return t, err
	}
	if host == "" {
		return t, nil
	}
	if t.addr, err = netip.ParseAddr(host); err != nil {
		t.addr, t.name = netip.Addr{}, host
		return t, nil
	}
	t.addr = t.addr.Unmap()
	return t, s.family(t.addr)
}

func (t *target) parsePort(port string) error {
	n, err := strconv.ParseInt(port, 10, 64)
	switch {
	case port == "":
		n = 0
	case err != nil && !numeric(port):
		t.service = port
		return nil
	case err != nil:
		return fmt.Errorf("%w %q", ErrBadPort, port)
	}
	return t.setPort(n)
}

func (t *target) setPort(n int64) error {
	if n < 0 || n > 65535 || n == 0 && !t.binding {
		return fmt.Errorf("%w %d", ErrBadPort, n)
	}
	t.port = uint16(n)
	return nil
}

// numeric reports whether a port is meant as a number, too large as it may be.
func numeric(port string) bool {
	for i, c := range port {
		if (c < '0' || c > '9') && !(i == 0 && (c == '-' || c == '+') && len(port) > 1) {
			return false
		}
	}
	return true
}

// lookup finds the address of a target.
func (s *Socket) lookup(ctx context.Context, t target) (netip.AddrPort, error) {
	if t.service != "" {
		n, err := ask(ctx, s.lifetime, func(ctx context.Context) (int, error) {
			return net.DefaultResolver.LookupPort(ctx, "udp", t.service)
		})
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrBadPort, err)
		}
		if err := t.setPort(int64(n)); err != nil {
			return netip.AddrPort{}, err
		}
	}
	switch {
	case t.addr.IsValid():
		return netip.AddrPortFrom(t.addr, t.port), nil
	case t.name != "":
		a, err := s.lookupName(ctx, t.name)
		return netip.AddrPortFrom(a, t.port), err
	case t.binding:
		return netip.AddrPortFrom(netip.Addr{}, t.port), nil
	case s.Network() == "udp4":
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), t.port), nil
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), t.port), nil
}

func (s *Socket) lookupName(ctx context.Context, name string) (netip.Addr, error) {
	network := "ip"
	switch {
	case s.Network() == "udp4":
		network = "ip4"
	case s.cfg.kernel.IPv6Only:
		network = "ip6"
	}
	answers, err := ask(ctx, s.lifetime, func(ctx context.Context) ([]netip.Addr, error) {
		if s.cfg.lookup == nil {
			return net.DefaultResolver.LookupNetIP(ctx, network, name)
		}
		return s.cfg.lookup(ctx, network, name)
	})
	if ctx.Err() != nil {
		err = ctx.Err() // the resolver's own words for it would hide why
	}
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range answers {
		if a = a.Unmap(); s.family(a) == nil {
			return a, nil
		}
	}
	if len(answers) == 0 {
		return netip.Addr{}, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return netip.Addr{}, fmt.Errorf("%w: %v", ErrAddressFamily, answers[0])
}

// ask runs a lookup beside the caller: one that does not heed its context
// holds up neither the call nor Close.
func ask[T any](ctx context.Context, ended *lifetime, lookup func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		value, err := lookup(ctx)
		answers <- answer{value, err}
	}()
	var none T
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-ended.done:
		return none, net.ErrClosed
	}
}

// family returns an error if the socket cannot send to a.
func (s *Socket) family(a netip.Addr) error {
	r := s.rules()
	return r.family(a)
}
