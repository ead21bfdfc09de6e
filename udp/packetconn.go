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
// the stream. That a connected peer refuses is an error of the next read, as
// package net has it; on a socket without a peer it is on Errors. Asking for a
// view turns receive offload off for good, because such code may read the
// descriptor itself, where a coalesced burst would look like one datagram. What
// goes through the view's SyscallConn goes around block lists, Stats and
// WithMaxDatagram. Close closes the socket. Every call returns the same view.
func (s *Socket) PacketConn() net.PacketConn {
	ep, err := s.implicit(context.Background(), "listen")
	if err != nil {
		return &view{s: s, err: err}
	}
	s.shareOffload(ep)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attached.get(viewKey{}, func() any {
		v := &view{s: s, conn: ep.conns[0]}
		v.write.open()
		return v
	}).(*view)
}

// view is the socket as package net would have it. A socket has one: there is
// one deadline, and one reader at a time.
type view struct {
	s    *Socket
	conn kernel.Conn
	err  error // the implicit bind failed

	mine    atomic.Bool // the view has the stream
	reading sync.Mutex  // one reader at a time
	errs    patience    // the reader's, since the last datagram
	write   deadline
}

// viewKey is where the socket keeps its view.
type viewKey struct{}

// LocalAddr is known without asking the kernel, and after the end too.
func (v *view) LocalAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil {
		return kernel.UDPAddr(ep.local)
	}
	return kernel.UDPAddr(netip.AddrPort{})
}

func (v *view) RemoteAddr() net.Addr {
	if ep := v.s.endpoint.Load(); ep != nil && ep.peer.IsValid() {
		return kernel.UDPAddr(ep.peer)
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

func (v *view) SetReadBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.s.SetReadBuffer(bytes)
}

func (v *view) SetWriteBuffer(bytes int) error {
	if err := v.ready("set"); err != nil {
		return err
	}
	return v.s.SetWriteBuffer(bytes)
}

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
	if v.mine.Load() {
		return true
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.mine.Store(v.s.inbox.claim(readByView))
	return v.mine.Load()
}

func (v *view) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, kernel.UDPAddr(from), nil
}

// Read takes no datagram for no buffer, as net's does not.
func (v *view) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, v.ready("read")
	}
	n, _, err := v.ReadFromUDPAddrPort(b)
	return n, err
}

func (v *view) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, kernel.UDPAddr(from), nil
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
		addr = kernel.UDPAddr(from)
	}
	return n, oobn, flags, addr, err
}

func (v *view) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	if err := v.begin(); err != nil {
		return 0, 0, 0, from, err
	}
	defer v.reading.Unlock()
	for {
		n, oobn, flags, from, err = v.conn.ReadMsg(b, oob)
		if err != nil {
			if err = v.readError(err); err != nil {
				return 0, 0, 0, netip.AddrPort{}, err
			}
			continue
		}
		v.errs = patience{}
		if v.admit(from) {
			v.count(&n, &flags)
			return n, oobn, flags, from, nil
		}
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
			if err = v.readError(err); err != nil {
				return 0, err
			}
			continue
		}
		v.errs = patience{}
		kept := v.keep(ms[:n])
		if kept > 0 || n == 0 {
			return kept, nil
		}
	}
}

// keep counts what was read and closes the gaps that the block list leaves.
func (v *view) keep(ms []ipv4.Message) (kept int) {
	for i := range ms {
		from, _ := ms[i].Addr.(*net.UDPAddr)
		if v.s.cfg.receiveBlock != nil && from != nil && !v.admit(from.AddrPort()) {
			continue
		}
		if kept != i {
			move(&ms[kept], &ms[i])
		}
		v.count(&ms[kept].N, &ms[kept].Flags)
		kept++
	}
	return kept
}

// move copies a message, and not the buffers: those are known to the caller by
// their place.
func move(to, from *ipv4.Message) {
	left, room := from.N, to.Buffers
	var b []byte
	to.N, to.Flags, to.Addr = 0, from.Flags, from.Addr
	for _, data := range from.Buffers {
		data = data[:min(left, len(data))]
		left -= len(data)
		for len(data) > 0 {
			for len(b) == 0 && len(room) > 0 {
				b, room = room[0], room[1:]
			}
			n := copy(b, data)
			if n == 0 {
				to.Flags |= kernel.Truncated
				break
			}
			b, data, to.N = b[n:], data[n:], to.N+n
		}
	}
	to.NN = copy(to.OOB, from.OOB[:from.NN])
}

// count counts a datagram of n bytes, and cuts it off where the socket was told
// to.
func (v *view) count(n, flags *int) {
	if limit := int(v.s.cfg.maxDatagram); *n > limit {
		*n = limit
		*flags |= kernel.Truncated
	}
	if *flags&kernel.Truncated != 0 {
		v.s.count.truncated.Add(1)
	}
	v.s.count.receive(1, *n)
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
// the end of the socket. Without an error the read goes on.
func (v *view) readError(err error) error {
	switch {
	case v.s.over():
		err = net.ErrClosed
	case refused(err) && v.RemoteAddr() == nil:
		// News about one of many peers: servers end with an error that they
		// read, and need not.
		v.s.refusal(v.conn, err)
		v.s.bear(&v.errs, nil)
		return nil
	case broken(err):
		v.s.kill(v.s.opError("read", netip.AddrPort{}, err))
	}
	return v.s.opError("read", netip.AddrPort{}, err)
}

// broken tells whether a socket will never be read again. Of what unhealable
// knows, the rest may be the fault of this one call.
func broken(err error) bool {
	switch errno, _ := errnoOf(err); errno {
	case syscall.EBADF, syscall.ENOTSOCK, syscall.ECONNABORTED:
		return true
	}
	return false
}

func (v *view) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		err := v.s.opError("write", netip.AddrPort{}, syscall.EINVAL)
		if shaped, ok := err.(*net.OpError); ok {
			shaped.Addr = addr
		}
		return 0, err
	}
	if to == nil {
		return v.WriteToUDPAddrPort(b, netip.AddrPort{})
	}
	a, err := v.addrPort(to)
	if err != nil {
		return 0, v.s.opError("write", a, err)
	}
	return v.WriteToUDPAddrPort(b, a)
}

func (v *view) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) { return v.WriteTo(b, addr) }

// addrPort is addr as package netip has it. No address at all is this host, as
// for net.
func (v *view) addrPort(addr *net.UDPAddr) (netip.AddrPort, error) {
	to := addr.AddrPort()
	switch {
	case addr.Port < 0 || addr.Port > 65535:
		return to, ErrBadPort
	case len(addr.IP) > 0:
		return to, nil
	case v.s.Network() == "udp4":
		return netip.AddrPortFrom(netip.IPv4Unspecified(), to.Port()), nil
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), to.Port()), nil
}

func (v *view) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if to == (netip.AddrPort{}) && v.ready("write") == nil && v.RemoteAddr() != nil {
		return 0, v.s.opError("write", to, ErrAlreadyConnected)
	}
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
	to, err := v.addrPort(addr)
	if err != nil {
		return 0, 0, v.s.opError("write", to, err)
	}
	return v.WriteMsgUDPAddrPort(b, oob, to)
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
	stop := v.write.wait()
	if isDone(stop) {
		return 0, 0, v.s.opError("write", ep.target(to), os.ErrDeadlineExceeded)
	}
	p := v.s.parcel()
	defer v.s.free(p)
	p.pack(to, netip.Addr{}, 0, [][]byte{b})
	if err := v.s.hand(ep.conns[0], &p.d, oob, stop); err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			err = os.ErrDeadlineExceeded
		}
		return 0, 0, v.s.opError("write", ep.target(to), err)
	}
	v.s.count.send(kernel.Datagrams(len(b), oob), len(b))
	return len(b), len(oob), nil
}
