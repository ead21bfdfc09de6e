package udp

import (
	"context"
	"net/netip"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/kernel"
)

// The hooks of package inside are set here, and only here.
var _ = func() struct{} {
	inside.Of = func(s any) inside.Socket { return door{s.(*Socket)} }
	inside.WithSystem = func(system kernel.System) any {
		return Option(func(c *config) { c.system = system })
	}
	return struct{}{}
}()

// door implements inside.Socket.
type door struct{ s *Socket }

func (d door) System() kernel.System { return d.s.system }

func (d door) Bound(op string) (inside.Endpoint, error) {
	ep, err := d.s.bound(op)
	if err != nil {
		return inside.Endpoint{}, err
	}
	return ep.inside(), nil
}

func (d door) Bind(ctx context.Context, op string, addr netip.Addr) (inside.Endpoint, error) {
	ep, err := d.s.autoBindFor(ctx, op, addr)
	if err == nil && d.s.draining.Load() != nil {
		err = d.s.opError(op, netip.AddrPort{}, ErrDrained)
	}
	if err != nil {
		return inside.Endpoint{}, err
	}
	return ep.inside(), nil
}

func (ep *endpoint) inside() inside.Endpoint {
	return inside.Endpoint{Conn: ep.conns[0], Network: ep.network, Dual: ep.network == "udp6" && !ep.v6only}
}

func (d door) Go(f func(ctx context.Context) error) bool {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.s.closing {
		return false
	}
	d.s.group.Go(func() error { return f(d.s.lifetime) })
	return true
}

func (d door) Report(err error) { d.s.report(err) }

func (d door) Attached(key any, make func() any) any {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.s.extensions.get(key, make)
}

// SendOn passes the socket's own address along with the interface where no other is
// given: Linux takes IPv4's pair as a whole, and would choose another address for
// one that is left out (ip(7), IP_PKTINFO).
func (d door) SendOn(ctx context.Context, index int, from netip.Addr, to netip.AddrPort, parts [][]byte) error {
	if ep := d.s.endpoint.Load(); ep != nil && to.Addr().Unmap().Is4() && !from.IsValid() {
		a := ep.local.Addr()
		if a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != broadcast {
			from = a
		}
	}
	return d.s.sendVia(ctx, route{to: to, from: from, index: index}, parts)
}

// broadcast is the limited broadcast address. A socket may be bound to it, and cannot
// send from it.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (d door) SetGroupSource(from netip.Addr) {
	if !from.IsValid() {
		d.s.groupSource.Store(nil)
		return
	}
	d.s.groupSource.Store(&from)
}

func (d door) OpError(op string, addr netip.AddrPort, err error) error {
	if addr.Port() == 0 && addr.Addr().IsMulticast() { // a group, not a destination
		return d.s.opErrorText(op, addr.Addr().String(), err)
	}
	return d.s.opError(op, addr, err)
}

// extensions is the per-socket state of other packages, by key.
type extensions struct{ values map[any]any }

func (e *extensions) get(key any, make func() any) any {
	if v, ok := e.values[key]; ok {
		return v
	}
	if e.values == nil {
		e.values = map[any]any{}
	}
	v := make()
	e.values[key] = v
	return v
}
