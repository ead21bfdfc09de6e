package udp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Resolve turns "host:port" into an address, as a socket of that network would:
// see [Socket.Resolve]. It needs no socket. For "udp" a literal has its own family, and
// of a name's addresses the first IPv4 one is taken. Names are resolved by
// [net.DefaultResolver].
func Resolve(ctx context.Context, network, address string) (netip.AddrPort, error) {
	s, err := New(network)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer s.Close()
	return s.Resolve(ctx, address)
}

// Resolve turns "host:port" into an address of the socket's family. An empty host is
// loopback. Only names reach the lookup. Of the answers of a usable family the first
// IPv4 one is taken, or else the first. A literal of the wrong family is
// [ErrAddressFamily], and so are answers of which none is usable.
func (s *Socket) Resolve(ctx context.Context, address string) (netip.AddrPort, error) {
	if err := s.checkUsable(ctx); err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, err)
	}
	t, err := s.parse(address, false)
	if err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, err)
	}
	answers, err := s.lookup(ctx, t, s.lookupName)
	if err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, s.closedError(err))
	}
	answer := preferIPv4(answers)
	if err := s.knownZone(answer.Addr().Zone()); err != nil {
		return netip.AddrPort{}, s.opErrorText("resolve", address, err)
	}
	return answer, nil
}

// preferIPv4 returns the first IPv4 address, or else the first.
func preferIPv4(answers []netip.AddrPort) netip.AddrPort {
	for _, a := range answers {
		if a.Addr().Is4() {
			return a
		}
	}
	return answers[0]
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

// target is an address, split into host and port.
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

// lookup finds the addresses of a target, at least one. Names are looked up by byName.
func (s *Socket) lookup(ctx context.Context, t target, byName func(context.Context, string) ([]netip.Addr, error)) ([]netip.AddrPort, error) {
	if t.service != "" {
		n, err := ask(ctx, s.lifetime, func(ctx context.Context) (int, error) {
			return net.DefaultResolver.LookupPort(ctx, "udp", t.service)
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadPort, err)
		}
		if err := t.setPort(int64(n)); err != nil {
			return nil, err
		}
	}
	hosts := []netip.Addr{t.addr}
	switch {
	case t.addr.IsValid() || t.binding && t.name == "":
	case t.name != "":
		var err error
		if hosts, err = byName(ctx, t.name); err != nil {
			return nil, err
		}
	case s.Network() == "udp4":
		hosts[0] = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		hosts[0] = netip.IPv6Loopback()
	}
	answers := make([]netip.AddrPort, len(hosts))
	for i, a := range hosts {
		answers[i] = netip.AddrPortFrom(a, t.port)
	}
	return answers, nil
}

// lookupName returns the usable addresses of a host, at least one, in the order of
// the resolver.
func (s *Socket) lookupName(ctx context.Context, name string) ([]netip.Addr, error) {
	answers, err := ask(ctx, s.lifetime, func(ctx context.Context) ([]netip.Addr, error) {
		return s.askResolver(ctx, name)
	})
	if ctx.Err() != nil {
		err = ctx.Err() // the resolver's own words for it would hide why
	}
	if err != nil {
		return nil, err
	}
	return s.usable(name, answers)
}

func (s *Socket) askResolver(ctx context.Context, name string) ([]netip.Addr, error) {
	network := "ip"
	switch {
	case s.Network() == "udp4":
		network = "ip4"
	case s.cfg.kernel.IPv6Only:
		network = "ip6"
	}
	if s.cfg.lookup == nil {
		return net.DefaultResolver.LookupNetIP(ctx, network, name)
	}
	return s.cfg.lookup(ctx, network, name)
}

// usable returns the answers that the socket can send to, unmapped. Without IPv6 on
// the machine, IPv6 addresses are not usable.
func (s *Socket) usable(name string, answers []netip.Addr) ([]netip.Addr, error) {
	var usable []netip.Addr
	for _, a := range answers {
		if a = a.Unmap(); s.family(a) == nil && (a.Is4() || s.system.IPv6()) {
			usable = append(usable, a)
		}
	}
	switch {
	case len(answers) == 0:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case len(usable) == 0:
		return nil, fmt.Errorf("%w: %v of %s on %s", ErrAddressFamily, answers[0], name, s.rules().network)
	}
	return usable, nil
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
