//go:build linux

package linux

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// isAsync reports whether errno, the result of a receive call, is about an earlier
// datagram, and keeps it for NextRefusal. If the error queue is on, the queue has
// the error and its destination.
func (c *conn) isAsync(errno syscall.Errno, failures *int) bool {
	if !kernel.IsAsync(errno, failures) {
		return false
	}
	if !c.errorQueue {
		c.pending.Add(kernel.Refusal{Errno: errno})
	}
	c.rx.pending = true
	return true
}

// NextRefusal removes and returns one error. It also removes errors of the own
// host, such as EMSGSIZE, from the error queue (IP_RECVERR, ip(7)): sends have
// returned these errors, and their entries take room from datagrams.
func (c *conn) NextRefusal() (r kernel.Refusal, ok bool) {
	if r, ok := c.pending.Next(); ok {
		return r, true
	}
	take := func(fd uintptr) { r, ok = c.takePending(fd) }
	present := c.sock.Load()
	if s := c.readable(); s != present { // Disconnect has replaced it, and it is still read
		_ = s.raw.Control(take)
	}
	if !ok {
		_ = present.raw.Control(take)
	}
	return r, ok
}

// takePending removes and returns the next error of the descriptor.
func (c *conn) takePending(fd uintptr) (r kernel.Refusal, ok bool) {
	for {
		if c.errorQueue {
			if r, ok := c.nextICMP(fd); ok {
				return r, true
			}
		}
		errno := socketError(fd)
		if errno == 0 || !c.errorQueue || kernel.IsSocketGone(errno) {
			return kernel.Refusal{Errno: errno}, errno != 0
		}
		// The error queue has an entry for errno by now.
	}
}

// keepPending removes the pending errors of the descriptor, up to a limit, and
// keeps them for NextRefusal. It reports whether there were any.
func (c *conn) keepPending(fd uintptr) bool {
	for n := range maxFailures {
		r, ok := c.takePending(fd)
		if !ok {
			return n > 0
		}
		c.pending.Add(r)
	}
	return true
}

// maxFailures bounds how many errors one call removes.
const maxFailures = 64

// socketError removes and returns the pending error of the socket (SO_ERROR,
// socket(7)).
func socketError(fd uintptr) syscall.Errno {
	var errno int32
	size := uint32(unsafe.Sizeof(errno))
	_, _, failed := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_ERROR,
		uintptr(unsafe.Pointer(&errno)), uintptr(unsafe.Pointer(&size)), 0)
	if failed != 0 {
		return 0
	}
	return syscall.Errno(errno)
}

// nextQueued removes entries of the error queue up to the next ICMP error, and
// returns that.
func (c *conn) nextQueued(fd uintptr) (r kernel.Refusal, ok bool) {
	var name rawName
	var payload [1]byte
	var control [512 / 8]uint64
	iov := unix.Iovec{Base: &payload[0]}
	iov.SetLen(len(payload))
	for !ok {
		hdr := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: sizeofName, Iov: &iov, Control: (*byte)(unsafe.Pointer(&control))}
		hdr.SetIovlen(1)
		hdr.SetControllen(len(control) * 8)
		_, errno := c.calls.recvmsg(fd, &hdr, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return r, false
		}
		oob := unsafe.Slice((*byte)(unsafe.Pointer(&control)), len(control)*8)[:hdr.Controllen]
		if r.Errno, ok = refusal(oob); ok {
			r.To = decode(fd, &name, new(zoneCache))
		}
	}
	return r, ok
}

// refusal parses the struct sock_extended_err of an ICMP error.
func refusal(b []byte) (syscall.Errno, bool) {
	for len(b) >= unix.SizeofCmsghdr {
		n, level, kind := controlHeader(b)
		if n < unix.SizeofCmsghdr || n > len(b) {
			break
		}
		data := b[min(unix.CmsgLen(0), n):n]
		if level == unix.SOL_IP && kind == unix.IP_RECVERR || level == unix.SOL_IPV6 && kind == unix.IPV6_RECVERR {
			if len(data) >= 5 && (data[4] == unix.SO_EE_ORIGIN_ICMP || data[4] == unix.SO_EE_ORIGIN_ICMP6) {
				return syscall.Errno(binary.NativeEndian.Uint32(data)), true
			}
		}
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	return 0, false
}
