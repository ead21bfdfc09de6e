//go:build linux

package linux

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/slab"
)

// recvmmsg receives up to len(hdrs) datagrams. A quick call skips entersyscall.
func (k *syscalls) recvmmsg(fd uintptr, hdrs []mmsghdr, flags int, quick bool) (n int, errno syscall.Errno) {
	if errno, k.later = k.later, 0; errno != 0 {
		return 0, errno
	}
	if k.may(callRecvmmsg) {
		var got uintptr
		if quick {
			got, _, errno = syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))), uintptr(len(hdrs)), uintptr(flags), 0, 0)
		} else {
			got, _, errno = syscall.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))), uintptr(len(hdrs)), uintptr(flags), 0, 0)
		}
		switch {
		case errno == 0 && got > 0, errno != 0 && !k.refuses(fd, callRecvmmsg, errno):
			return int(got), errno
		case errno == 0: // neither a datagram nor an errno
			k.refuse(fd, callRecvmmsg)
		}
	}
	for i := range hdrs {
		size, errno := k.recvmsg(fd, &hdrs[i].hdr, flags)
		if errno != 0 {
			if i > 0 && errno != unix.EAGAIN {
				k.later = errno
			}
			if i > 0 {
				return i, 0
			}
			return 0, errno
		}
		hdrs[i].len = uint32(size)
	}
	return len(hdrs), 0
}

// recvmsg receives one datagram.
func (k *syscalls) recvmsg(fd uintptr, hdr *unix.Msghdr, flags int) (n int, errno syscall.Errno) {
	if k.may(callRecvmsg) {
		got, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(hdr)), uintptr(flags))
		if errno == 0 || !k.refuses(fd, callRecvmsg, errno) {
			return int(got), errno
		}
	}
	if k.may(callRecvmmsg) {
		one := [1]mmsghdr{{hdr: *hdr}}
		got, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&one)), 1, uintptr(flags), 0, 0)
		if errno == 0 && got == 1 || errno != 0 && !k.refuses(fd, callRecvmmsg, errno) {
			*hdr = one[0].hdr
			return int(one[0].len), errno
		}
	}
	if flags&unix.MSG_ERRQUEUE != 0 {
		return 0, unix.EAGAIN // the entries of the error queue are control messages
	}
	return k.recvfromHeader(fd, hdr, flags)
}

// recvfromHeader does the work of recvmsg with recvfrom, which has no control
// messages and takes one buffer. recvfrom does not report that it cut a datagram
// off; with MSG_TRUNC it returns the whole length.
func (k *syscalls) recvfromHeader(fd uintptr, hdr *unix.Msghdr, flags int) (n int, errno syscall.Errno) {
	iovs := unsafe.Slice(hdr.Iov, int(hdr.Iovlen))
	b, scattered := bytesOf(iovs), len(iovs) > 1
	if scattered {
		block := slab.Take()
		defer slab.Return(block)
		b = block.Bytes()
	}
	got, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		uintptr(flags|unix.MSG_TRUNC), uintptr(unsafe.Pointer(hdr.Name)), uintptr(unsafe.Pointer(&hdr.Namelen)))
	if errno != 0 {
		return 0, errno
	}
	hdr.SetControllen(0)
	hdr.Flags = 0
	n = int(got)
	if room := sizeOf(iovs); n > room {
		n, hdr.Flags = room, unix.MSG_TRUNC
	}
	if scattered {
		rest := b[:n]
		for i := range iovs {
			rest = rest[copy(unsafe.Slice(iovs[i].Base, int(iovs[i].Len)), rest):]
		}
	}
	return n, 0
}

// recvfrom receives one datagram into b and returns its length, which may be larger
// than len(b).
func (k *syscalls) recvfrom(fd uintptr, b []byte, name *rawName) (n int, errno syscall.Errno) {
	if k.may(callRecvfrom) {
		size := uint32(sizeofName)
		got, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			unix.MSG_DONTWAIT|unix.MSG_TRUNC, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&size)))
		if errno == 0 || !k.refuses(fd, callRecvfrom, errno) {
			return int(got), errno
		}
	}
	var iov unix.Iovec
	point(&iov, b)
	hdr := unix.Msghdr{Name: (*byte)(unsafe.Pointer(name)), Namelen: sizeofName, Iov: &iov}
	hdr.SetIovlen(1)
	return k.recvmsg(fd, &hdr, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}
