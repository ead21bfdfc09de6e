//go:build windows

package portable

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// next reads one datagram into borrowed scratch. First it waits in RawConn.Read,
// which reads nothing and leaves the datagram in the queue.
func (c *conn) next(sink kernel.Sink) (*scratch, error) {
	waited := false
	if err := c.raw.Read(func(uintptr) bool {
		done := waited
		waited = true
		return done
	}); err != nil {
		return nil, xnetError(err)
	}
	sink.Room() // there is room for one datagram
	s := borrow()
	var err error
	if s.msg, err = c.recvmsg(s.block.Bytes(), s.oob[:]); err != nil {
		s.giveBack()
		return nil, err
	}
	return s, nil
}

// recvNow reads one datagram without waiting.
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
		// Package net does not read after a deadline has passed.
		_ = c.udp.SetReadDeadline(time.Now().Add(stolen))
		m, err := c.read(bufs, oob, flags)
		_ = c.udp.SetReadDeadline(c.drain.deadline)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return m, err
		}
	}
}

// recvmsg reads into b, which has room for any datagram: for one that does not fit,
// package net returns no sender.
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

// Queued reports whether a read would find a datagram now.
func (c *conn) Queued() bool {
	return c.readable() && !c.drain.isExhausted()
}

// fdSet is struct fd_set of winsock2.h with one socket.
type fdSet struct {
	count   uint32
	sockets [64]windows.Handle
}

var procSelect = windows.NewLazySystemDLL("ws2_32.dll").NewProc("select")

// fionread is FIONREAD (winsock2.h), which x/sys lacks.
const fionread = 0x4004667f

// readable reports whether a datagram is queued. It asks for the number of bytes
// (FIONREAD) and, because a datagram may be empty, calls select (winsock2.h)
// without a wait. FIONREAD comes first: while another thread reads, Wine's select
// does not report a datagram.
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

// stolen bounds the wait for a datagram that another reader has taken meanwhile.
const stolen = time.Second

// Discard reads and counts the queued datagrams. Under a flood it stops at a limit.
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
