//go:build linux

package linux

import (
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// reading is the state of ReadMsg and ReadMsgs, which read into the caller's
// memory. It is made on first use and reused, with its callbacks bound once, so
// that reading allocates nothing. Between calls it refers to no memory of a caller.
type reading struct {
	c     *conn
	one   func(fd uintptr) bool
	many  func(fd uintptr) bool
	zones zoneCache
	err   error

	// one: recvfrom, or recvmsg for the control messages
	b       []byte
	hdr     unix.Msghdr
	room    int // for control messages
	iov     unix.Iovec
	name    rawName
	n       int
	control [controlSize / 8]uint64 // aligned for struct cmsghdr
	from    netip.AddrPort

	// many: recvmmsg
	ms    []ipv4.Message
	flags int
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	names []rawName
}

func (c *conn) reading() *reading {
	r := c.rx.reading
	if r == nil {
		r = &reading{c: c}
		r.one, r.many = r.readOne, r.readMany
		c.rx.reading = r
	}
	r.err = nil
	return r
}

// ReadMsg reads one datagram into b and its control messages into oob. If the
// kernel reports destinations and oob is empty, ReadMsg uses a buffer of its own
// for them.
func (c *conn) ReadMsg(b, oob []byte, p *kernel.Packet) (n, oobn, flags int, err error) {
	r := c.reading()
	r.b = b
	control := oob
	if len(oob) == 0 && c.packetInfo {
		control = unsafe.Slice((*byte)(unsafe.Pointer(&r.control)), controlSize)
	}
	if len(control) > 0 {
		point(&r.iov, b)
		r.hdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&r.name)), Namelen: sizeofName, Iov: &r.iov, Control: unsafe.SliceData(control)}
		r.hdr.SetIovlen(1)
		r.room = len(control)
		r.hdr.SetControllen(r.room)
	}
	if err = c.readMsg(r.one); err == nil {
		err = r.err
	}
	n, oobn, flags = r.n, int(r.hdr.Controllen), int(r.hdr.Flags)
	*p = kernel.Packet{From: r.from}
	r.b, r.hdr, r.iov = nil, unix.Msghdr{}, unix.Iovec{}
	if err != nil {
		return 0, 0, 0, err
	}
	if oobn > 0 {
		parseControl(control[:min(oobn, len(control))], p)
	}
	if len(oob) == 0 {
		oobn = 0
	}
	return n, oobn, flags, nil
}

// readMsg runs a system call until it returns true. On a socket that drains it does
// not wait.
func (c *conn) readMsg(call func(fd uintptr) bool) error {
	if !c.drain.on.Load() {
		if err := c.whenReadable(call); err == nil || !c.woken(err) {
			return err
		}
	}
	if c.drain.left.Load() <= 0 {
		return c.drain.ended()
	}
	found := false
	err := c.readWithoutWaiting(func(fd uintptr) { found = call(fd) }, &found)
	if err == nil && !found {
		return c.drain.ended()
	}
	c.drain.left.Add(-1)
	return c.mapClosed(err)
}

// readOne receives one datagram. It returns false to wait for one. recvfrom does
// not report that it cut a datagram off; with MSG_TRUNC it returns the whole
// length.
func (r *reading) readOne(fd uintptr) bool {
	if r.c.rx.pending {
		return r.tellPending(fd)
	}
	for failures := 0; ; {
		r.c.reads.Add(1)
		var n int
		var errno syscall.Errno
		if r.hdr.Iov == nil {
			n, errno = r.c.calls.recvfrom(fd, r.b, &r.name)
		} else {
			n, errno = r.c.calls.recvmsg(fd, &r.hdr, unix.MSG_DONTWAIT)
		}
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return r.tellPending(fd)
		case 0:
			r.n, r.from = n, decode(fd, &r.name, &r.zones)
			if r.c.isStranger(r.from) {
				r.hdr.Namelen = sizeofName
				r.hdr.SetControllen(r.room)
				continue
			}
			if r.n > len(r.b) {
				r.n, r.hdr.Flags = len(r.b), unix.MSG_TRUNC
			}
		default:
			if r.c.isAsync(errno, &failures) {
				continue // queued datagrams come first
			}
			r.err = os.NewSyscallError("recvmsg", errno)
		}
		return true
	}
}

// tellPending sets the error of the call to kernel.ErrPending if errors are
// pending.
func (r *reading) tellPending(fd uintptr) bool {
	if !r.c.tellPending(fd) {
		return false
	}
	r.err = r.c.rx.err
	return true
}
