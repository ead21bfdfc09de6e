// Package inside lets the packages of this module use what a udp.Socket does not
// export.
package inside

import (
	"context"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// Package udp sets these when it is initialized. They are variables because this
// package cannot import udp. Nothing else writes to them.
var (
	// Of returns the inside of s, which is a *udp.Socket.
	Of func(s any) Socket
	// WithSystem returns a udp.Option that makes the socket on system instead
	// of the host's kernel.
	WithSystem func(system kernel.System) any
)

// A Socket is the inside of a udp.Socket.
type Socket interface {
	// System returns the system that opens the socket's kernel sockets.
	System() kernel.System
	// Bound returns the kernel socket of a bound socket. Otherwise the error is
	// udp.ErrNotBound or net.ErrClosed.
	Bound(op string) (Endpoint, error)
	// Bind returns the kernel socket, and binds an unbound socket to a free port on
	// every interface first. A socket without a family gets that of addr.
	Bind(ctx context.Context, op string, addr netip.Addr) (Endpoint, error)

	// Go runs f in the socket's errgroup: Close waits for it, and ctx is done
	// when the socket begins to end. False means that it has already.
	Go(f func(ctx context.Context) error) bool
	// Report puts err on Errors.
	Report(err error)
	// Attached returns the value that the socket keeps under key. The first call
	// makes it.
	Attached(key any, make func() any) any

	// SendOn sends a datagram through the interface with an index, from an address
	// if it is valid.
	SendOn(ctx context.Context, index int, from netip.Addr, to netip.AddrPort, parts [][]byte) error
	// SetGroupSource sets the address from which datagrams to groups leave. An
	// invalid one leaves the choice to the system.
	SetGroupSource(from netip.Addr)
	// OpError puts err into the shape of net's errors.
	OpError(op string, addr netip.AddrPort, err error) error
}

// An Endpoint is the kernel socket of a bound socket.
type Endpoint struct {
	Conn    kernel.Conn // the first kernel socket
	Network string      // "udp4" or "udp6"
	Dual    bool        // an IPv6 socket that also sends and receives IPv4
}
