//go:build windows

package portable

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// next reads one datagram into borrowed scratch, once RawConn.Read says that
// there is one: it waits with an empty read that leaves the datagram there.
func (c *conn) next(sink kernel.Sink) (*scratch, error) {
	waited := false
	if err := c.raw.Read(func(uintptr) bool {
		done := waited
		waited = true
		return done
	}); err != nil {
		return nil, xnetError(err)
	}
	sink.Room() // one always fits
	s := borrow()
	var err error
	if s.msg, err = c.recvmsg(s.block.Bytes(), s.oob[:]); err != nil {
		s.giveBack()
		return nil, err
	}
	return s, nil
}

// recvNow reads one datagram that is there.
func (c *conn) recvNow(bufs [][]byte, oob []byte, flags int) (message, error) {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	for {
		if c.closed.Load() {
			return message{}, net.ErrClosed
		}
		if !c.readable() {
			return message{}, system(os.NewSyscallError("wsarecvmsg", windows.WSAEWOULDBLOCK))
		}
		// net does not read past a deadline that has expired.
		_ = c.udp.SetReadDeadline(time.Now().Add(stolen))
		m, err := c.read(bufs, oob, flags)
		_ = c.udp.SetReadDeadline(c.drain.deadline)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return m, err
		}
	}
}

// stolen bounds the wait for a datagram that somebody else has read meanwhile.
const stolen = time.Second

// Discard reads and drops until nothing is left, or a flood outlasts it.
func (c *conn) Discard() (datagrams uint64) {
	if c.shared.Load() {
		return 0
	}
	limit := int64(1 << 16)
	if c.drain.on.Load() {
		limit = min(limit, c.drain.left.Swap(0))
	}
	block := slab.Take()
	defer slab.Return(block)
	bufs, oob := [][]byte{block.Bytes()}, make([]byte, oobSize)
	for range limit {
		m, err := c.recvNow(bufs, oob, 0)
		if errors.Is(err, windows.WSAEWOULDBLOCK) || errors.Is(err, net.ErrClosed) {
			break
		}
		if err == nil && c.accepts(&m) {
			datagrams++
		}
	}
	return datagrams
}

// Queued reports whether a read would find a datagram now.
func (c *conn) Queued() bool {
	return c.readable() && !(c.drain.on.Load() && c.drain.left.Load() <= 0)
}

// fdSet is struct fd_set of winsock2.h with one socket.
type fdSet struct {
	count   uint32
	sockets [64]windows.Handle
}

var procSelect = windows.NewLazySystemDLL("ws2_32.dll").NewProc("select")

// fionread is FIONREAD (winsock2.h), which x/sys lacks.
const fionread = 0x4004667f

// readable asks how many bytes there are (FIONREAD), and, because a datagram may be
// empty, select (winsock2.h), which does not wait. FIONREAD comes first: while another
// thread reads, Wine's select denies what is there.
func (c *conn) readable() bool {
	found := false
	_ = c.control(func(fd uintptr) error {
		var bytes, size uint32
		err := windows.WSAIoctl(windows.Handle(fd), fionread, nil, 0, (*byte)(unsafe.Pointer(&bytes)), 4, &size, nil, 0)
		if found = err == nil && bytes > 0; found {
			return nil
		}
		set := fdSet{count: 1, sockets: [64]windows.Handle{windows.Handle(fd)}}
		var now [2]int32 // struct timeval
		n, _, _ := procSelect.Call(0, uintptr(unsafe.Pointer(&set)), 0, 0, uintptr(unsafe.Pointer(&now)))
		found = int32(n) == 1
		return nil
	})
	return found
}

// recvmsg reads into b, which holds any datagram: of one that does not fit,
// net forgets who sent it.
func (c *conn) recvmsg(b, oob []byte) (m message, err error) {
	c.reads.Add(1)
	m.n, m.oobn, m.flags, m.from, err = c.udp.ReadMsgUDPAddrPort(b, oob)
	if errors.Is(err, windows.WSAEMSGSIZE) {
		m.flags |= windows.MSG_TRUNC
		err = nil
	}
	if err != nil {
		if err = xnetError(err); c.isAsync(err, &c.failures) && c.takeTold() {
			return message{}, kernel.ErrPending
		}
		return message{}, err
	}
	c.failures = 0
	m.from = netip.AddrPortFrom(m.from.Addr().Unmap(), m.from.Port())
	m.info = parseControl(oob[:m.oobn])
	return m, nil
}

// read reads one datagram. It holds a block while it waits.
func (c *conn) read(bufs [][]byte, oob []byte, flags int) (message, error) {
	if flags != 0 {
		return message{}, unsupported("flags")
	}
	if len(bufs) == 1 && len(bufs[0]) >= slab.Size {
		return c.recvmsg(bufs[0], oob)
	}
	block := slab.Take()
	defer slab.Return(block)
	m, err := c.recvmsg(block.Bytes(), oob)
	rest := block.Bytes()[:m.n]
	for _, b := range bufs {
		rest = rest[copy(b, rest):]
	}
	if len(rest) > 0 {
		m.n -= len(rest)
		m.flags |= windows.MSG_TRUNC
	}
	return m, err
}

// Send hands d to the kernel. It waits where the kernel's buffer is full.
func (c *conn) Send(d *kernel.Datagram, oob []byte) error {
	to := d.To
	if !to.IsValid() {
		p := c.peer.Load()
		if p == nil {
			return system(os.NewSyscallError("wsasendmsg", windows.WSAENOTCONN))
		}
		to = *p
	}
	if v4 := to.Addr().Unmap().Is4(); !v4 && !c.inet6 || v4 && !c.speaksIPv4() ||
		d.From.IsValid() && v4 != d.From.Unmap().Is4() {
		return system(os.NewSyscallError("wsasendmsg", windows.WSAEAFNOSUPPORT))
	}
	if zone := to.Addr().Zone(); zone != "" {
		index, err := zoneIndex(zone)
		if err != nil {
			return err
		}
		to = netip.AddrPortFrom(to.Addr().WithZone(strconv.Itoa(index)), to.Port())
	}
	switch {
	case len(oob) > 0:
	case d.Interface < 0:
		return system(os.NewSyscallError("wsasendmsg", windows.WSAEINVAL))
	case d.TOS != 0 || d.TTL != 0:
		return unsupported("TOS or TTL of one datagram")
	case d.From.IsValid() || d.Interface != 0:
		var err error
		if oob, err = c.source(d.From.Unmap(), d.Interface, to.Addr()); err != nil {
			return err
		}
	}
	data := d.Data
	if len(d.More) > 0 {
		if d.Len() > slab.Size {
			return system(os.NewSyscallError("wsasendmsg", windows.WSAEMSGSIZE))
		}
		block := slab.Take()
		defer slab.Return(block)
		data = append(block.Bytes()[:0], data...)
		for _, part := range d.More {
			data = append(data, part...)
		}
	}
	c.writes.Add(1)
	_, _, err := c.udp.WriteMsgUDPAddrPort(data, oob, to)
	return xnetError(err)
}

// sendWhenReady is Send, which ends at the write deadline.
func (c *conn) sendWhenReady(d *kernel.Datagram, oob []byte) error { return c.Send(d, oob) }

// source makes the control message that says from which address and interface
// to send.
func (c *conn) source(from netip.Addr, index int, to netip.Addr) ([]byte, error) {
	if zone := from.Zone(); zone != "" && index == 0 {
		var err error
		if index, err = zoneIndex(zone); err != nil {
			return nil, err
		}
	}
	if !c.inet6 || to.Is4() {
		if from.Is6() {
			return nil, system(os.NewSyscallError("wsasendmsg", windows.WSAEAFNOSUPPORT))
		}
		data := make([]byte, 8)
		if from.Is4() {
			a := from.As4()
			copy(data, a[:])
		}
		binary.NativeEndian.PutUint32(data[4:], uint32(index))
		return control(windows.IPPROTO_IP, windows.IP_PKTINFO, data), nil
	}
	data := make([]byte, 20)
	if from.IsValid() {
		a := from.As16()
		copy(data, a[:])
	}
	binary.NativeEndian.PutUint32(data[16:], uint32(index))
	return control(windows.IPPROTO_IPV6, windows.IPV6_PKTINFO, data), nil
}

// WSACMSGHDR (ws2def.h) is a length as wide as a pointer, level, and type; the
// data and the next header start where a pointer may.
const (
	wide       = int(unsafe.Sizeof(uintptr(0)))
	headerSize = (wide + 8 + wide - 1) &^ (wide - 1)
)

func control(level, kind int, data []byte) []byte {
	b := make([]byte, headerSize+(len(data)+wide-1)&^(wide-1))
	binary.NativeEndian.PutUint32(b, uint32(headerSize+len(data))) // every Windows is little-endian
	binary.NativeEndian.PutUint32(b[wide:], uint32(level))
	binary.NativeEndian.PutUint32(b[wide+4:], uint32(kind))
	copy(b[headerSize:], data)
	return b
}

// parseControl reads the control messages that came with a datagram.
func parseControl(b []byte) (i info) {
	for len(b) >= headerSize {
		n := int(binary.NativeEndian.Uint32(b))
		if n < headerSize || n > len(b) {
			break
		}
		i.parse(int(binary.NativeEndian.Uint32(b[wide:])), int(binary.NativeEndian.Uint32(b[wide+4:])), b[headerSize:n])
		b = b[min((n+wide-1)&^(wide-1), len(b)):]
	}
	i.foreign = foreign(i.to)
	return i
}

// parse reads IN_PKTINFO and IN6_PKTINFO (ws2ipdef.h), address before
// interface, and the type of service.
func (i *info) parse(level, kind int, data []byte) {
	v4, v6 := level == windows.IPPROTO_IP, level == windows.IPPROTO_IPV6
	switch {
	case v4 && kind == windows.IP_PKTINFO && len(data) >= 8:
		i.to = netip.AddrFrom4([4]byte(data))
		i.index = int(binary.NativeEndian.Uint32(data[4:]))
	case v6 && kind == windows.IPV6_PKTINFO && len(data) >= 20:
		i.to = netip.AddrFrom16([16]byte(data)).Unmap()
		i.index = int(binary.NativeEndian.Uint32(data[16:]))
	case (v4 && kind == nameTTL || v6 && kind == nameReceiveTTL) && len(data) >= 4:
		i.ttl = uint8(binary.NativeEndian.Uint32(data))
	case (v4 && kind == nameTOS || v6 && kind == nameClass) && len(data) >= 4:
		i.tos = uint8(binary.NativeEndian.Uint32(data))
	}
}
