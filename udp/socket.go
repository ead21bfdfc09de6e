package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

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
	icmp   icmpHistory
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
		if c.Err() != nil {
			return nil, context.Cause(c)
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
	return s.closeOnError(s.Bind(ctx, address))
}

// Dial makes a socket and connects it: [New] and [Socket.Connect]. The socket
// closes when ctx is done.
func Dial(ctx context.Context, network, address string, opts ...Option) (*Socket, error) {
	s, err := newSocket(ctx, network, opts)
	if err != nil {
		return nil, err
	}
	return s.closeOnError(s.Connect(ctx, address))
}

// closeOnError closes s if its constructor failed.
func (s *Socket) closeOnError(err error) (*Socket, error) {
	if err == nil {
		return s, nil
	}
	if cause := s.Err(); cause != nil {
		err = cause // the context ended the socket under the call
	}
	s.Close()
	return nil, err
}

// FromFile adopts a UDP socket that another program made, such as a parent process or
// systemd. The socket has a duplicate of the descriptor; f stays the caller's.
// A connected descriptor gives a connected socket; one that is not UDP is
// [ErrNotUDP].
//
// As other processes may read the same descriptor, receive offload is off
// unless [WithOffload] asks for it, and Close leaves what is in the kernel's
// buffer to them.
func FromFile(f *os.File, opts ...Option) (*Socket, error) {
	if f == nil {
		return nil, &net.OpError{Op: "file", Net: "udp", Err: os.ErrInvalid}
	}
	s, err := newSocket(context.Background(), "udp", opts)
	if err != nil {
		return nil, err
	}
	return s.closeOnError(s.adopt(f))
}

func (s *Socket) adopt(f *os.File) error {
	if s.cfg.readers > 1 {
		return s.opErrorText("file", f.Name(), errors.ErrUnsupported)
	}
	want := s.cfg.kernel
	want.PacketInfo = s.wantPacketInfo(true)
	conn, is, err := s.system.Adopt(f, want)
	if err != nil {
		return s.opErrorText("file", f.Name(), err)
	}
	if s.cfg.offload == unset {
		s.cfg.offload = off
	}
	s.cfg.kernel.Network, s.cfg.kernel.IPv6Only = is.Network, is.IPv6Only
	ep := &endpoint{
		conns:    []kernel.Conn{conn},
		rules:    rules{network: is.Network, v6only: is.IPv6Only, peer: is.Remote, block: s.cfg.sendBlock},
		wildcard: is.Local.Addr().IsUnspecified(),
		bound:    is.Local,
		local:    is.Local,
	}
	if !s.publish(ep) {
		ep.close()
		return net.ErrClosed
	}
	return nil
}

// Network is "udp4" or "udp6". A "udp" socket that has not settled yet says
// what it would be on every interface.
func (s *Socket) Network() string {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.network
	}
	if s.cfg.kernel.Network != "udp" {
		return s.cfg.kernel.Network
	}
	return s.anyFamily()
}

// anyFamily is what "udp" means where no address tells.
func (s *Socket) anyFamily() string {
	if s.cfg.kernel.IPv6Only || s.system.IPv6() {
		return "udp6"
	}
	return "udp4"
}

// LocalAddr returns the address that the socket is bound to, or the zero AddrPort
// before it is bound. While a socket that is bound to every address is connected,
// it is the one address that the kernel chose for the peer. After Close it is the
// last address.
func (s *Socket) LocalAddr() netip.AddrPort {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.local
	}
	return netip.AddrPort{}
}

// RemoteAddr returns the peer of a connected socket, or the zero AddrPort. After
// Close it is the last peer.
func (s *Socket) RemoteAddr() netip.AddrPort {
	if ep := s.endpoint.Load(); ep != nil {
		return ep.peer
	}
	return netip.AddrPort{}
}

// String returns the network and the addresses of the socket, for logs:
// "udp4 127.0.0.1:41234", "udp4 127.0.0.1:41234->192.0.2.1:53" while it is
// connected, "udp4 unbound" before it is bound.
func (s *Socket) String() string {
	ep := s.endpoint.Load()
	switch {
	case ep == nil:
		return s.Network() + " unbound"
	case ep.peer.IsValid():
		return ep.network + " " + ep.local.String() + "->" + ep.peer.String()
	}
	return ep.network + " " + ep.local.String()
}

// SyscallConn gives the descriptor to code that sets options of its own. It
// binds an unbound socket. What is read through it goes around the socket and its
// Stats. With a receive block list Read and Write are errors.ErrUnsupported; the
// descriptor that Control hands out goes around the list.
func (s *Socket) SyscallConn() (syscall.RawConn, error) {
	ep, err := s.autoBind(context.Background(), "syscallconn")
	if err != nil {
		return nil, err
	}
	return s.rawConn(ep.conns[0]), nil
}

// rawConn returns the raw connection of conn. Where the socket has a receive block
// list, nothing is read or written around it.
func (s *Socket) rawConn(conn kernel.Conn) syscall.RawConn {
	if s.cfg.receiveBlock != nil {
		return controlOnly{conn.SyscallConn(), s}
	}
	return conn.SyscallConn()
}

// UDPConn returns a duplicate of the descriptor as a *net.UDPConn, for code that
// insists on the concrete type. It binds an unbound socket. The caller closes the
// connection; the socket stays open. Both read the same buffer: a datagram goes to
// the one that reads it first, so only one of them should read. What the connection
// does is not in Stats. It is subject to the conditions of [Socket.File].
func (s *Socket) UDPConn() (*net.UDPConn, error) {
	f, err := s.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, s.opError("file", netip.AddrPort{}, err)
	}
	return c.(*net.UDPConn), nil
}

// File returns a duplicate of the descriptor, to hand to another process. It
// binds an unbound socket. The caller closes the file. From then on both
// processes read the same buffer, so receive offload is turned off, and Close
// leaves the buffer alone. On Windows, and with a receive block list, which others
// would not heed, it is errors.ErrUnsupported.
func (s *Socket) File() (*os.File, error) {
	ep, err := s.autoBind(context.Background(), "file")
	if err != nil {
		return nil, err
	}
	if s.cfg.receiveBlock != nil {
		return nil, s.opError("file", netip.AddrPort{}, errShared)
	}
	s.shareOffload(ep)
	f, err := ep.conns[0].Dup()
	return f, s.opError("file", netip.AddrPort{}, err)
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
