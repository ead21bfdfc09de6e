//go:build linux && !dgram_portable

package kernel

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// reading is a read straight into the caller's memory, for code that brings
// its own.
type reading struct {
	hdr   unix.Msghdr
	iov   unix.Iovec
	name  rawName
	zones zoneCache
	n     int
	errno syscall.Errno
	step  func(fd uintptr) bool
	from  netip.AddrPort
}

// ReadMsg reads one datagram into b and its control messages into oob.
func (c *conn) ReadMsg(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	r := c.rx.reading
	if r == nil {
		r = new(reading)
		r.step = func(fd uintptr) bool { return r.read(c, fd) }
		c.rx.reading = r
	}
	point(&r.iov, b)
	r.hdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&r.name)), Namelen: sizeofName, Iov: &r.iov, Control: unsafe.SliceData(oob)}
	r.hdr.SetIovlen(1)
	r.hdr.SetControllen(len(oob))
	gone := c.raw.Read(r.step)
	n, oobn, flags, from, errno := r.n, int(r.hdr.Controllen), int(r.hdr.Flags), r.from, r.errno
	r.hdr, r.iov = unix.Msghdr{}, unix.Iovec{}
	if gone != nil {
		return 0, 0, 0, netip.AddrPort{}, c.gone(gone)
	}
	if errno != 0 {
		return 0, 0, 0, netip.AddrPort{}, callError("recvmsg", errno)
	}
	return n, oobn, flags, from, nil
}

func (r *reading) read(c *conn, fd uintptr) bool {
	for {
		c.reads.Add(1)
		n, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.hdr)), unix.MSG_DONTWAIT)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno
		if errno == 0 {
			r.from = decode(fd, &r.name, &r.zones)
		}
		return true
	}
}

// ReadMsgs reads what is there, at least one datagram, into ms. Its addresses
// are net.Addr, which allocates; that is the interface's doing.
func (c *conn) ReadMsgs(ms []ipv4.Message, flags int) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	ms = ms[:min(len(ms), maxMessages)]
	hdrs := make([]mmsghdr, len(ms))
	names := make([]rawName, len(ms))
	var iovs []unix.Iovec
	for i := range ms {
		start := len(iovs)
		for _, b := range ms[i].Buffers {
			var v unix.Iovec
			point(&v, b)
			iovs = append(iovs, v)
		}
		h := &hdrs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&names[i])), sizeofName
		h.SetIovlen(len(iovs) - start)
		h.Control = unsafe.SliceData(ms[i].OOB)
		h.SetControllen(len(ms[i].OOB))
	}
	// The vectors have stopped moving.
	for i, start := 0, 0; i < len(ms); i++ {
		if n := len(ms[i].Buffers); n > 0 {
			hdrs[i].hdr.Iov = &iovs[start]
			start += n
		}
	}
	got, errno := 0, syscall.Errno(0)
	var zones zoneCache
	gone := c.raw.Read(func(fd uintptr) bool {
		for {
			c.reads.Add(1)
			n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
			if e == unix.EINTR {
				continue
			}
			if e == unix.EAGAIN {
				return false
			}
			if got, errno = int(n), e; e != 0 {
				got = 0
			}
			for i := range got {
				ms[i].N, ms[i].NN, ms[i].Flags = int(hdrs[i].len), int(hdrs[i].hdr.Controllen), int(hdrs[i].hdr.Flags)
				ms[i].Addr = net.UDPAddrFromAddrPort(decode(fd, &names[i], &zones))
			}
			return true
		}
	})
	if gone != nil {
		return 0, c.gone(gone)
	}
	if errno != 0 {
		return 0, callError("recvmmsg", errno)
	}
	return got, nil
}
