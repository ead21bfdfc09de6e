package udp

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"example.com/dgram/internal/kernel"
)

// A Socket sends and receives datagrams. Its methods may be called from any
// goroutine.
//
// Make one with [New], [Listen], [Dial] or [FromFile], and end it with
// [Socket.Close] or through a context.
type Socket struct {
	cfg    config
	system kernel.System

	lifetime *lifetime      // ends when the socket begins to end, with its cause
	ended    latch          // set once goroutines have exited and the descriptor is closed
	group    errgroup.Group // readers, the writer, and the watcher of package multicast

	mu         sync.Mutex // guards the next seven
	unwatch    func()     // stops watching the contexts that end the socket
	receive    receiveState
	outbox     *outbox      // made on first use
	peerChange *peerChange  // while the peer is about to change
	view       *PacketConn  // of PacketConn; made on first use
	names      *lookupCache // of SendToHost, with WithLookupCache
	extensions extensions   // per-socket state of other packages, by key
	closing    bool         // group takes no more goroutines

	unreferenced latch // set while the socket is not referenced
	drainBegun   latch // set once Drain was called

	binder                                 // where the socket is bound and connected
	sender      sender                     // hands datagrams to the kernel
	groupSource atomic.Pointer[netip.Addr] // source of datagrams to groups; nil or invalid for the system's choice

	readDeadline readDeadline
	draining     atomic.Pointer[draining] // nil until Drain

	errors errorQueue
	icmp   kernel.ErrnoHistory
	count  counters
}

// endpoint is the state of a bound socket. It is never changed, only replaced.
type endpoint struct {
	rules                  // where it may send
	conns    []kernel.Conn // at least one; sends and options use the first
	wildcard bool          // bound to every address
	bound    netip.AddrPort
	local    netip.AddrPort // bound, but for a connected socket what the kernel chose
}

// to is the destination of what the socket receives, where that is known
// without asking: the one address that it has.
func (ep *endpoint) to() netip.Addr {
	if a := ep.local.Addr(); !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}

// New makes a socket that has no address yet. The network is "udp4", "udp6"
// (dual-stack unless [WithIPv6Only]) or "udp", which settles on a family with
// the first address that it is given: a literal's own, and dual-stack "udp6"
// otherwise, where the machine has IPv6.
//
// No descriptor is open before the socket is bound, by [Socket.Bind],
// [Socket.Connect], or implicitly by the first send.
func New(network string, opts ...Option) (*Socket, error) {
	return newSocket(context.Background(), network, opts)
}

// newSocket makes a socket that ends when ctx is done.
func newSocket(ctx context.Context, network string, opts []Option) (*Socket, error) {
	if ctx == nil {
		return nil, &net.OpError{Op: "socket", Net: network, Err: errNilContext}
	}
	switch network {
	case "udp", "udp4", "udp6":
	default:
		return nil, &net.OpError{Op: "socket", Net: network, Err: net.UnknownNetworkError(network)}
	}
	cfg := newConfig(opts)
	if network == "udp4" && cfg.kernel.IPv6Only {
		cfg.fail(invalid("udp4 socket cannot be IPv6 only"))
	}
	if cfg.err != nil {
		return nil, &net.OpError{Op: "socket", Net: network, Err: cfg.err}
	}
	contexts := append(cfg.contexts, ctx)
	for _, c := range contexts {
		if err := contextError(c); err != nil {
			return nil, err
		}
	}
	system := cfg.system
	cfg.building = nil
	cfg.kernel.Network = network
	s := &Socket{
		cfg:      cfg,
		system:   system,
		lifetime: &lifetime{done: make(chan struct{})},
	}
	s.binder.s, s.sender.s = s, s
	if cfg.lookupCache > 0 {
		s.names = &lookupCache{names: map[string]*cachedName{}}
	}
	s.watchContexts(contexts)
	return s, nil
}

// Listen makes a socket and binds it: [New] and [Socket.Bind]. The socket
// closes when ctx is done.
func Listen(ctx context.Context, network, address string, opts ...Option) (*Socket, error) {
	s, err := newSocket(ctx, network, opts)
	if err != nil {
		return nil, err
	}
	return s.closeOnError(ctx, s.Bind(ctx, address))
}

// Dial makes a socket and connects it: [New] and [Socket.Connect]. The socket
// closes when ctx is done.
func Dial(ctx context.Context, network, address string, opts ...Option) (*Socket, error) {
	s, err := newSocket(ctx, network, opts)
	if err != nil {
		return nil, err
	}
	return s.closeOnError(ctx, s.Connect(ctx, address))
}

// closeOnError closes s if its constructor failed. If ctx or the socket has ended under
// the call, that is why.
func (s *Socket) closeOnError(ctx context.Context, err error) (*Socket, error) {
	if err == nil {
		return s, nil
	}
	if done := contextError(ctx); done != nil {
		err = done
	} else if cause := s.Err(); cause != nil {
		err = cause
	}
	s.Close()
	return nil, err
}

// ending reports whether the socket has begun to end.
func (s *Socket) ending() bool { return s.lifetime.ended() }

// bound returns the endpoint of a socket that has one.
func (s *Socket) bound(op string) (*endpoint, error) {
	if s.ending() {
		return nil, s.opError(op, netip.AddrPort{}, net.ErrClosed)
	}
	ep := s.endpoint.Load()
	if ep == nil {
		return nil, s.opError(op, netip.AddrPort{}, ErrNotBound)
	}
	return ep, nil
}
