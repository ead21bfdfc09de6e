package udp

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// PacketConn returns a view of the socket for code that wants package net's
// interface. It binds an unbound socket; where that fails, the view's methods
// return the error.
//
// The view has the methods of [*net.UDPConn] that libraries look for, all of
// them: it is a net.PacketConn and a net.Conn, has SyscallConn, SetReadBuffer,
// SetWriteBuffer, ReadMsgUDP, WriteMsgUDP, ReadFromUDPAddrPort,
// WriteToUDPAddrPort and ReadBatch, so that quic-go, miekg/dns, pion, kcp-go
// and golang.org/x/net/ipv4 run on it.
//
// It is one more way to read the one stream: the first read through it claims
// the stream. That a connected peer refuses is an error of the next read, as
// package net has it; on a socket without a peer it is on Errors. Asking for a
// view turns receive offload off for good, because such code may read the
// descriptor itself, where a coalesced burst would look like one datagram. What
// goes through the view's SyscallConn goes around block lists, Stats and
// WithMaxDatagram. Close closes the socket. Every call returns the same view.
func (s *Socket) PacketConn() *PacketConn {
	ep, err := s.autoBind(context.Background(), "listen")
	if err != nil {
		return &PacketConn{s: s, err: err}
	}
	s.shareOffload(ep)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		s.view = &PacketConn{s: s, conn: ep.conns[0]}
		s.view.write.open()
	}
	return s.view
}

// PacketConn is a view of a socket with the methods of [*net.UDPConn]. A socket has
// one view: there is one deadline for reading, and one reader at a time. See
// [Socket.PacketConn].
type PacketConn struct {
	s    *Socket
	conn kernel.Conn
	err  error // the implicit bind failed

	claimed atomic.Bool // the view has the stream
	reading fifoMutex   // one reader at a time
	errs    readBackoff // the reader's, since the last datagram
	write   deadline
}

// LocalAddr is known without asking the kernel, and after the end too.
func (v *PacketConn) LocalAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil {
		return kernel.UDPAddr(ep.local)
	}
	return kernel.UDPAddr(netip.AddrPort{})
}

func (v *PacketConn) RemoteAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return kernel.UDPAddr(ep.peer)
	}
	return nil
}

func (v *PacketConn) Close() error { return v.s.Close() }

// ready says why the view cannot be used.
func (v *PacketConn) ready(op string) error {
	switch {
	case v.s.ending():
		return v.s.opError(op, netip.AddrPort{}, net.ErrClosed)
	case v.err != nil:
		return v.err
	}
	return nil
}

func (v *PacketConn) SyscallConn() (syscall.RawConn, error) {
	if err := v.ready("syscallconn"); err != nil {
		return nil, err
	}
	return v.conn.SyscallConn(), nil
}

func (v *PacketConn) SetReadBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.s.SetReadBuffer(bytes)
}

func (v *PacketConn) SetWriteBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.s.SetWriteBuffer(bytes)
}

func (v *PacketConn) SetDeadline(t time.Time) error {
	if err := v.SetReadDeadline(t); err != nil {
		return err
	}
	return v.SetWriteDeadline(t)
}

// SetReadDeadline goes to the poller, so that it wakes a read that waits.
func (v *PacketConn) SetReadDeadline(t time.Time) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.s.receive.mode != unread && v.s.receive.mode != readByView {
		return nil // the reader of the stream has no deadline
	}
	return v.s.opError("set", netip.AddrPort{}, v.s.readDeadline.setUser(t))
}

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
