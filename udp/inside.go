package udp

import (
	"context"
	"net/netip"

	"example.com/dgram/internal/inside"
)

// Inside is for the other packages of this module.
func (s *Socket) Inside() inside.Socket { return within{s} }

// within is the door to the socket's inside.
type within struct{ s *Socket }

func (w within) Bound(op string) (inside.Endpoint, error) {
	ep, err := w.s.bound(op)
	if err != nil {
		return inside.Endpoint{}, err
	}
	return ep.inside(), nil
}

func (w within) Bind(ctx context.Context, op string, addr netip.Addr) (inside.Endpoint, error) {
	ep, err := w.s.implicitFor(ctx, op, addr)
	if err != nil {
		return inside.Endpoint{}, err
	}
	return ep.inside(), nil
}

func (ep *endpoint) inside() inside.Endpoint {
	return inside.Endpoint{Conn: ep.conns[0], Network: ep.network(), Dual: ep.dual}
}

func (w within) Go(f func(ctx context.Context) error) bool {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.finishing {
		return false
	}
	w.s.group.Go(func() error { return f(w.s.life) })
	return true
}

func (w within) Report(err error) { w.s.report(err) }

func (w within) Attached(key any, make func() any) any {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.attached.get(key, make)
}

// SendOn says the socket's own address along with the interface: Linux takes
// IPv4's pair as a whole, and would choose another address for one that is
// left out (ip(7), IP_PKTINFO).
func (w within) SendOn(ctx context.Context, index int, to netip.AddrPort, parts [][]byte) error {
	var from netip.Addr
	if ep := w.s.endpoint.Load(); ep != nil && to.Addr().Unmap().Is4() {
		a := ep.local.Addr()
		if a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != broadcast {
			from = a
		}
	}
	return w.s.sendFrom(ctx, to, from, index, parts)
}

// broadcast is an address to bind to that is nobody's to send from.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (w within) OpError(op string, addr netip.AddrPort, err error) error {
	return w.s.opError(op, addr, err)
}

// attached is what other packages keep with the socket.
type attached struct{ values map[any]any }

func (a *attached) get(key any, make func() any) any {
	if v, ok := a.values[key]; ok {
		return v
	}
	if a.values == nil {
		a.values = map[any]any{}
	}
	v := make()
	a.values[key] = v
	return v
}
