package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"example.com/dgram/internal/kernel"
)

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
	return s.closeOnError(context.Background(), s.adopt(f))
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

// SyscallConn gives the descriptor to code that sets options of its own. It
// binds an unbound socket. What is read through it goes around the socket and its
// Stats. With a receive block list Read and Write are errors.ErrUnsupported; the
// descriptor that Control hands out goes around the list.
//
// The first Read turns receive offload off for good. Control does not: code that
// duplicates the descriptor in order to read it takes [Socket.File] instead, or would
// read a coalesced burst as one datagram.
func (s *Socket) SyscallConn() (syscall.RawConn, error) {
	ep, err := s.autoBind(context.Background(), "syscallconn")
	if err != nil {
		return nil, err
	}
	return &plainConn{RawConn: s.rawConn(ep.conns[0]), s: s, ep: ep}, nil
}

// plainConn is a raw connection on which no read finds a coalesced burst.
type plainConn struct {
	syscall.RawConn
	s     *Socket
	ep    *endpoint
	plain sync.Once
}

func (c *plainConn) Read(f func(fd uintptr) bool) error {
	c.plain.Do(func() { c.s.shareOffload(c.ep) })
	return c.RawConn.Read(f)
}

// rawConn returns the raw connection of conn. Where the socket has a receive block
// list, nothing is read or written around it.
func (s *Socket) rawConn(conn kernel.Conn) syscall.RawConn {
	if s.cfg.receiveBlock != nil {
		return controlOnly{conn.SyscallConn(), s}
	}
	return conn.SyscallConn()
}

// controlOnly is a raw connection that refuses to read and write.
type controlOnly struct {
	raw syscall.RawConn
	s   *Socket
}

func (c controlOnly) Control(f func(fd uintptr)) error { return c.raw.Control(f) }

func (c controlOnly) Read(func(fd uintptr) bool) error {
	return c.s.opError("raw-read", netip.AddrPort{}, errRaw)
}

func (c controlOnly) Write(func(fd uintptr) bool) error {
	return c.s.opError("raw-write", netip.AddrPort{}, errRaw)
}
