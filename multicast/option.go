package multicast

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// An Option sets the interface or the source of a membership.
type Option func(*request)

// On names the interface: by name "eth0", index "2", one of its addresses
// "10.0.0.2", or zone "::%eth0". "0.0.0.0" and "::" leave the choice to the system,
// as a call without On does.
//
// A name is held: when the interface is deleted and made again, the group is joined
// again. An address or a zone stands for the name of the interface that has it now.
// An index stands for the present interface alone.
func On(iface string) Option {
	return func(r *request) {
		if r.named && r.on != iface {
			r.fail(argErrorf(posix.EINVAL, "interface %q and %q: a membership has one; join twice, or OnAll", r.on, iface))
		}
		r.on, r.named = iface, true
	}
}

// OnAll selects every interface that is up and capable of multicast, also those
// that come up later. An interface that cannot be joined is reported on the
// socket's Errors, once, and tried again whenever an interface changes.
func OnAll() Option { return func(r *request) { r.all = true } }

// From selects one source: the socket receives its datagrams alone (source-specific
// multicast, 232.0.0.0/8 and ff3x::/32 by custom). Several sources of a group are
// several memberships.
func From(source netip.Addr) Option {
	return func(r *request) {
		source = source.Unmap()
		if r.source.IsValid() && r.source != source {
			r.fail(argErrorf(posix.EINVAL, "source %v and %v: a membership has one", r.source, source))
		}
		r.source, r.specific = source, true
	}
}

// A request has the checked arguments of a call.
type request struct {
	group    netip.Addr // unmapped, perhaps with a zone
	source   netip.Addr
	specific bool
	on       string
	named    bool
	all      bool
	err      error // the first contradiction
}

func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// newRequest checks what can be checked without a call that changes anything.
func newRequest(in inside.Socket, group netip.Addr, opts []Option) (request, error) {
	r := request{group: group.Unmap()}
	for _, o := range opts {
		if o == nil {
			r.fail(argErrorf(posix.EINVAL, "nil option"))
			continue
		}
		o(&r)
	}
	switch {
	case !r.group.IsValid():
		r.fail(argErrorf(posix.EINVAL, "group is missing"))
	case !r.group.IsMulticast():
		r.fail(argErrorf(posix.EINVAL, "group %v is not multicast", r.group))
	case r.all && r.named:
		r.fail(argErrorf(posix.EINVAL, "interface %q and every interface", r.on))
	case r.all && r.group.Zone() != "":
		r.fail(argErrorf(posix.EINVAL, "interface %q and every interface", r.group.Zone()))
	case r.specific:
		r.fail(sourceFits(in, r.source, r.group))
	}
	return r, r.err
}

// sourceFits returns an error if the group cannot have this source.
func sourceFits(in inside.Socket, source, group netip.Addr) error {
	switch {
	case !source.IsValid():
		return argErrorf(posix.EINVAL, "source is missing")
	case source.IsMulticast() || source.IsUnspecified():
		return argErrorf(posix.EINVAL, "source %v is no address of a host", source)
	case source.Is4() != group.Is4():
		return wrongFamily("source", source)
	case source.Zone() != "":
		_, err := ifaceByName(in, source.Zone())
		return err
	}
	return nil
}

// checkFamily returns an error if the socket cannot join a group of this family, which may have no address
// yet: a literal is resolved by looking at its family.
func checkFamily(s *udp.Socket, group netip.Addr) error {
	to := netip.AddrPortFrom(group.WithZone(""), 1).String()
	_, err := s.Resolve(context.Background(), to)
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if errors.Is(err, udp.ErrAddressFamily) {
		return wrongFamily("group", group)
	}
	return err
}
