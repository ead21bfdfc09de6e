package udptest

import (
	"context"
	"net"
	"net/netip"

	"example.com/dgram/internal/inside"
	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest/internal/sim"
)

// A Host is a machine of a [Network]. Its sockets behave as those of Linux do;
// what needs a descriptor is errors.ErrUnsupported: Socket.File, Socket.UDPConn,
// udp.WithControl, and the methods of raw connections.
//
// The host's resolver knows "localhost" and nothing else, unless udp.WithLookup
// brings another.
type Host struct {
	n    *Network
	host *sim.Host
}

// New is [udp.New] on this host.
func (h *Host) New(network string, opts ...udp.Option) (*udp.Socket, error) {
	h.n.t.Helper()
	h.check()
	return h.keep(udp.New(network, h.options(opts)...))
}

// Listen is [udp.Listen] on this host.
func (h *Host) Listen(ctx context.Context, network, address string, opts ...udp.Option) (*udp.Socket, error) {
	h.n.t.Helper()
	h.check()
	return h.keep(udp.Listen(ctx, network, address, h.options(opts)...))
}

// Dial is [udp.Dial] on this host.
func (h *Host) Dial(ctx context.Context, network, address string, opts ...udp.Option) (*udp.Socket, error) {
	h.n.t.Helper()
	h.check()
	return h.keep(udp.Dial(ctx, network, address, h.options(opts)...))
}

// Addr is the host's first address.
func (h *Host) Addr() netip.Addr { return h.host.Addrs()[0] }

// Addrs are all of them, those of loopback excepted, with zones where they are
// needed.
func (h *Host) Addrs() []netip.Addr { return h.host.Addrs() }

// String is the host's first address, which is its name in fates.
func (h *Host) String() string { return h.host.Name() }

// check ends the test where another host has an address of this one.
func (h *Host) check() {
	h.n.t.Helper()
	if a, other := h.host.Conflict(); other != nil {
		h.n.t.Fatalf("udptest: %v is an address of two hosts", a)
	}
}

// options are those of the host, and then the user's.
func (h *Host) options(opts []udp.Option) []udp.Option {
	own := []udp.Option{inside.WithSystem(h.host).(udp.Option), udp.WithLookup(lookup)}
	return append(own, opts...)
}

func (h *Host) keep(s *udp.Socket, err error) (*udp.Socket, error) {
	if err == nil {
		h.n.own(s)
	}
	return s, err
}

// lookup knows the names of a host that has no resolver.
func lookup(_ context.Context, network, host string) ([]netip.Addr, error) {
	if host != "localhost" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	four, six := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	switch network {
	case "ip4":
		return []netip.Addr{four}, nil
	case "ip6":
		return []netip.Addr{six}, nil
	}
	return []netip.Addr{four, six}, nil
}
