package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"

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
// the stream. Asking for a view turns receive offload off for good, because
// such code may read the descriptor itself, where a coalesced burst would look
// like one datagram. What goes through the view's SyscallConn goes around block
// lists, Stats and WithMaxDatagram. Close closes the socket.
func (s *Socket) PacketConn() net.PacketConn {
	v := &view{s: s}
	v.write.open()
	ep, err := s.implicit(context.Background(), "listen")
	if err != nil {
		v.err = err
		return v
	}
	v.conn = ep.conns[0]
	s.shareOffload(ep)
	return v
}

// view is the socket as package net would have it.
type view struct {
	s    *Socket
	conn kernel.Conn
	err  error // the implicit bind failed

	reading sync.Mutex // one reader at a time
	write   deadline
}

func (v *view) LocalAddr() net.Addr {
	a, err := v.s.LocalAddr()
	if err != nil {
		if ep := v.s.endpoint.Load(); ep != nil {
			a = ep.local
		}
	}
	return net.UDPAddrFromAddrPort(a)
}

func (v *view) RemoteAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return net.UDPAddrFromAddrPort(ep.peer)
	}
	return nil
}

func (v *view) Close() error { return v.s.Close() }

// ready says why the view cannot be used.
func (v *view) ready(op string) error {
	switch {
	case v.s.over():
		return v.s.opError(op, netip.AddrPort{}, net.ErrClosed)
	case v.err != nil:
		return v.err
	}
	return nil
}

func (v *view) SyscallConn() (syscall.RawConn, error) {
	if err := v.ready("syscallconn"); err != nil {
		return nil, err
	}
	return v.conn.SyscallConn(), nil
}

func (v *view) SetReadBuffer(bytes int) error  { return v.s.SetReadBuffer(bytes) }
func (v *view) SetWriteBuffer(bytes int) error { return v.s.SetWriteBuffer(bytes) }

func (v *view) SetDeadline(t time.Time) error {
	if err := v.SetReadDeadline(t); err != nil {
		return err
	}
	return v.SetWriteDeadline(t)
}

// SetReadDeadline goes to the poller, so that it wakes a read that waits.
func (v *view) SetReadDeadline(t time.Time) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	if !v.mayRead() {
		return nil // somebody else reads, and has no deadline
	}
	return v.s.opError("set", netip.AddrPort{}, v.conn.SetReadDeadline(t))
}

func (v *view) SetWriteDeadline(t time.Time) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	v.write.set(t)
	return nil
}

// mayRead tells whether nobody reads the stream in another way.
func (v *view) mayRead() bool {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.s.inbox.by == readByNobody || v.s.inbox.by == readByView
}

// claim takes the stream.
func (v *view) claim() bool {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.s.inbox.claim(readByView)
}

func (v *view) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (v *view) Read(b []byte) (int, error) {
	n, _, err := v.ReadFromUDPAddrPort(b)
	return n, err
}

func (v *view) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (v *view) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, _, _, from, err := v.ReadMsgUDPAddrPort(b, nil)
	return n, from, err
}

func (v *view) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return v.ReadFromUDPAddrPort(b)
}

func (v *view) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, from, err := v.ReadMsgUDPAddrPort(b, oob)
	if err == nil {
		addr = net.UDPAddrFromAddrPort(from)
	}
	return n, oobn, flags, addr, err
}

func (v *view) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	if err := v.begin(); err != nil {
		return 0, 0, 0, from, err
	}
	defer v.reading.Unlock()
	limit := int(v.s.cfg.maxDatagram)
	for {
		n, oobn, flags, from, err = v.conn.ReadMsg(b, oob)
		if err != nil {
			return 0, 0, 0, from, v.readError(err)
		}
		if !v.admit(from) {
			continue
		}
		if n > limit {
			n = limit
			v.s.count.truncated.Add(1)
		}
		v.s.count.receive(1, n)
		return n, oobn, flags, from, nil
	}
}

// ReadBatch reads what is there, at least one datagram, as
// golang.org/x/net/ipv4.PacketConn.ReadBatch does.
func (v *view) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	if err := v.begin(); err != nil {
		return 0, err
	}
	defer v.reading.Unlock()
	for {
		n, err := v.conn.ReadMsgs(ms, flags)
		if err != nil {
			return 0, v.readError(err)
		}
		kept := 0
		for i := range ms[:n] {
			from, _ := ms[i].Addr.(*net.UDPAddr)
			if from != nil && !v.admit(from.AddrPort()) {
				continue
			}
			v.keep(ms, kept, i)
			kept++
		}
		if kept > 0 || n == 0 {
			return kept, nil
		}
	}
}

// keep counts message i and moves it to its place behind those kept before.
// The buffers change places, as each is to be filled again.
func (v *view) keep(ms []ipv4.Message, to, i int) {
	if limit := int(v.s.cfg.maxDatagram); ms[i].N > limit {
		ms[i].N = limit
		v.s.count.truncated.Add(1)
	}
	v.s.count.receive(1, ms[i].N)
	ms[to], ms[i] = ms[i], ms[to]
}

// begin lets one reader in.
func (v *view) begin() error {
	if err := v.ready("read"); err != nil {
		return err
	}
	if v.s.cfg.readers > 1 {
		return v.s.opError("read", netip.AddrPort{}, errors.ErrUnsupported)
	}
	if !v.claim() {
		return v.s.opError("read", netip.AddrPort{}, ErrReading)
	}
	v.reading.Lock()
	return nil
}

// admit counts what the block list keeps out.
func (v *view) admit(from netip.AddrPort) bool {
	if v.s.blocked(v.s.cfg.receiveBlock, from.Addr().Unmap()) {
		v.s.count.droppedBlocked.Add(1)
		return false
	}
	return true
}

// readError shapes an error as net does. The deadline that ends a read may be
// the end of the socket.
func (v *view) readError(err error) error {
	if v.s.over() {
		err = net.ErrClosed
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) && !refused(err) && unhealable(err) {
		v.s.kill(v.s.opError("read", netip.AddrPort{}, err))
	}
	return v.s.opError("read", netip.AddrPort{}, err)
}

func (v *view) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok || to == nil {
		return 0, v.s.opError("write", netip.AddrPort{}, missingAddress{})
	}
	return v.WriteToUDPAddrPort(b, addrPort(to))
}

func (v *view) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) { return v.WriteTo(b, addr) }

// addrPort is addr as package netip has it, unmapped.
func addrPort(addr *net.UDPAddr) netip.AddrPort { return unmap(addr.AddrPort()) }

func (v *view) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	n, _, err := v.WriteMsgUDPAddrPort(b, nil, to)
	return n, err
}

func (v *view) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return v.WriteToUDPAddrPort(b, to)
}

// Write sends to the peer.
func (v *view) Write(b []byte) (int, error) {
	n, _, err := v.WriteMsgUDPAddrPort(b, nil, netip.AddrPort{})
	return n, err
}

func (v *view) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		return v.WriteMsgUDPAddrPort(b, oob, netip.AddrPort{})
	}
	return v.WriteMsgUDPAddrPort(b, oob, addrPort(addr))
}

// WriteMsgUDPAddrPort sends b with the control messages in oob. Without a
// destination it goes to the peer.
func (v *view) WriteMsgUDPAddrPort(b, oob []byte, to netip.AddrPort) (n, oobn int, err error) {
	if err := v.ready("write"); err != nil {
		return 0, 0, err
	}
	to = unmap(to)
	ep := v.s.endpoint.Load()
	if connected := ep.peer.IsValid(); to == (netip.AddrPort{}) && !connected {
		err = missingPeer{}
	} else if to != (netip.AddrPort{}) || !connected {
		err = v.s.check(ep, to, netip.Addr{})
	}
	if err != nil {
		return 0, 0, v.s.opError("write", to, err)
	}
	if v.write.passed() {
		return 0, 0, v.s.opError("write", ep.target(to), os.ErrDeadlineExceeded)
	}
	p := parcels.Get().(*parcel)
	defer p.free()
	p.d = kernel.Datagram{Data: b, To: to}
	if err := v.s.hand(ep.conns[0], &p.d, oob, v.write.wait()); err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			err = os.ErrDeadlineExceeded
		}
		return 0, 0, v.s.opError("write", ep.target(to), err)
	}
	v.s.count.send(1, len(b))
	return len(b), len(oob), nil
}
