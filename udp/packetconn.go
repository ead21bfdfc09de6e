package udp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// PacketConn returns a view of the socket for code that wants package net's
// interface. It binds an unbound socket; where that fails, the view's methods
// return the error. Every call returns the same view.
//
// The view is one more way to read the one stream: the first read through it
// claims the stream. Asking for the view turns receive offload off for good,
// because such code may read the descriptor itself, where a coalesced burst would
// look like one datagram.
func (s *Socket) PacketConn() *PacketConn {
	ep, err := s.autoBind(context.Background(), "listen")
	if err != nil {
		return &PacketConn{s: s, err: err}
	}
	s.shareOffload(ep)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		s.view = &PacketConn{s: s, conn: ep.conns[0], answers: ep.wildcard}
		s.view.write.open()
	}
	return s.view
}

// PacketConn is a view of a socket with the methods of [*net.UDPConn] that
// libraries look for: it is a net.PacketConn and a net.Conn, and has SyscallConn,
// SetReadBuffer, SetWriteBuffer, File, ReadMsgUDP, WriteMsgUDP,
// ReadFromUDPAddrPort, WriteToUDPAddrPort, ReadBatch and WriteBatch. So quic-go,
// miekg/dns, pion, kcp-go and golang.org/x/net/ipv4 run on it.
//
// A socket has one view: there is one deadline for reading, and one reader at a
// time. Close closes the socket.
//
// On a socket that is bound to every address, WriteTo answers a peer from the
// address to which the peer last sent, so that code that knows nothing of packet
// info replies rightly. The view remembers 4096 peers; a new one takes the place of
// a random one. ReadBatch, and code that reads the descriptor itself, do not fill that
// memory. A forged datagram can change from which of
// the host's addresses its alleged sender is answered.
//
// An ICMP error of a connected peer is the error of the next read, as package net
// has it. On a socket without a peer it goes to [Socket.Errors].
//
// What goes through SyscallConn goes around Stats and WithMaxDatagram. With a
// receive block list its Read and Write are errors.ErrUnsupported, so that
// nothing goes around the list; the descriptor that Control hands out does.
// kcp-go reads and writes the descriptor itself.
type PacketConn struct {
	s    *Socket
	conn kernel.Conn
	err  error // the implicit bind failed

	closed  atomic.Bool
	claimed atomic.Bool   // the view has the stream
	reading fifoMutex     // one reader at a time
	packet  kernel.Packet // what that reader is told of the datagram
	errs    readBackoff   // the reader's, since the last datagram
	write   deadline

	answers bool // WriteTo answers from the address that the peer asked
	asked   askedAddrs
}

// LocalAddr returns the local address. It is known without a system call, and
// after the end too.
func (v *PacketConn) LocalAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil {
		return kernel.UDPAddr(ep.local)
	}
	return kernel.UDPAddr(netip.AddrPort{})
}

// RemoteAddr returns the peer, or nil on a socket without one.
func (v *PacketConn) RemoteAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return kernel.UDPAddr(ep.peer)
	}
	return nil
}

// Close closes the socket. On a socket that is closed it returns net.ErrClosed,
// as net.UDPConn does.
func (v *PacketConn) Close() error {
	if v.closed.Swap(true) || v.s.ending() {
		return v.opError("close", "close", netip.AddrPort{}, v.s.endError())
	}
	return v.s.Close()
}

// ready returns why the view cannot be used, or nil.
func (v *PacketConn) ready(op string) error { return v.readyTo(op, netip.AddrPort{}) }

// readyTo is ready for a call that names a destination.
func (v *PacketConn) readyTo(op string, to netip.AddrPort) error {
	switch {
	case v.s.ending():
		return v.opError(op, op, to, v.s.endError())
	case v.err != nil:
		return v.err
	}
	return nil
}

// SyscallConn returns the descriptor, for options that this package lacks. With a
// receive block list it only allows Control.
func (v *PacketConn) SyscallConn() (syscall.RawConn, error) {
	if err := v.ready("raw-control"); err != nil {
		return nil, err
	}
	return v.s.rawConn(v.conn), nil
}

// File returns a duplicate of the descriptor, as [Socket.File] does.
func (v *PacketConn) File() (*os.File, error) {
	if err := v.ready("file"); err != nil {
		return nil, err
	}
	return v.s.File()
}

// SetReadBuffer sets the size of the kernel's receive buffer.
func (v *PacketConn) SetReadBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.opError("set", "setsockopt", netip.AddrPort{}, v.s.SetReadBuffer(bytes))
}

// SetWriteBuffer sets the size of the kernel's send buffer.
func (v *PacketConn) SetWriteBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.opError("set", "setsockopt", netip.AddrPort{}, v.s.SetWriteBuffer(bytes))
}

// SetDeadline sets both deadlines.
func (v *PacketConn) SetDeadline(t time.Time) error {
	if err := v.SetReadDeadline(t); err != nil {
		return err
	}
	return v.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads. It wakes a read that waits. Where the
// stream is read in another way it does nothing.
func (v *PacketConn) SetReadDeadline(t time.Time) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.s.receive.mode != unread && v.s.receive.mode != readByView {
		return nil // the reader of the stream has no deadline
	}
	return v.opError("set", "set", netip.AddrPort{}, v.s.readDeadline.setUser(t))
}

// SetWriteDeadline sets the deadline of writes.
func (v *PacketConn) SetWriteDeadline(t time.Time) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	v.write.set(t)
	return nil
}

// claim takes the stream.
func (v *PacketConn) claim() bool {
	if v.claimed.Load() {
		return true
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.claimed.Store(v.s.receive.claim(readByView))
	return v.claimed.Load()
}
