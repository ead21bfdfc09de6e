//go:build linux

package linux

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/slab"
)

const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// sendmmsg sends up to len(hdrs) messages and returns how many the kernel accepted.
func (k *syscalls) sendmmsg(fd uintptr, hdrs []mmsghdr) (n int, errno syscall.Errno) {
	if k.may(callSendmmsg) {
		got, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))), uintptr(len(hdrs)), sendFlags, 0, 0)
		switch {
		case errno == 0 && got > 0, errno != 0 && !k.refuses(fd, callSendmmsg, errno):
			return int(got), errno
		case errno == 0: // neither a datagram sent nor an errno
			k.refuse(fd, callSendmmsg)
		}
	}
	for i := range hdrs {
		if errno := k.sendmsg(fd, &hdrs[i].hdr); errno != 0 {
			if i > 0 {
				return i, 0 // the next call returns the errno
			}
			return 0, errno
		}
	}
	return len(hdrs), 0
}

// sendmsg sends one datagram. It fails if the datagram has control messages and a
// sandbox refuses every call that takes them.
func (k *syscalls) sendmsg(fd uintptr, hdr *unix.Msghdr) syscall.Errno {
	if k.may(callSendmsg) {
		_, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(hdr)), sendFlags)
		if errno == 0 || !k.refuses(fd, callSendmsg, errno) {
			return errno
		}
	}
	if k.may(callSendmmsg) {
		one := [1]mmsghdr{{hdr: *hdr}}
		got, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&one)), 1, sendFlags, 0, 0)
		if errno == 0 && got == 1 || errno != 0 && !k.refuses(fd, callSendmmsg, errno) {
			return errno
		}
	}
	if hdr.Controllen > 0 {
		return unix.EOPNOTSUPP
	}
	iovs := unsafe.Slice(hdr.Iov, int(hdr.Iovlen))
	b := bytesOf(iovs)
	if len(iovs) > 1 {
		if sizeOf(iovs) > slab.Size {
			return unix.EMSGSIZE
		}
		block := slab.Take()
		defer slab.Return(block)
		b = block.Bytes()[:0]
		for i := range iovs {
			b = append(b, unsafe.Slice(iovs[i].Base, int(iovs[i].Len))...)
		}
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		sendFlags, uintptr(unsafe.Pointer(hdr.Name)), uintptr(hdr.Namelen))
	return errno
}

// sendto sends b to the address, or to the peer if size is 0.
func (k *syscalls) sendto(fd uintptr, b []byte, name *rawName, size uint32) syscall.Errno {
	if k.may(callSendto) {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			sendFlags, uintptr(unsafe.Pointer(name)), uintptr(size))
		if errno == 0 || !k.refuses(fd, callSendto, errno) {
			return errno
		}
	}
	return k.sendtoHeader(fd, b, name, size)
}

// sendtoHeader does the work of sendto with sendmsg. It is a function of its own,
// so that the header is not on the stack of every sendto.
//
//go:noinline
func (k *syscalls) sendtoHeader(fd uintptr, b []byte, name *rawName, size uint32) syscall.Errno {
	if !k.sendsControl() {
		return unix.EOPNOTSUPP
	}
	var iov unix.Iovec
	point(&iov, b)
	hdr := unix.Msghdr{Name: (*byte)(unsafe.Pointer(name)), Namelen: size, Iov: &iov}
	hdr.SetIovlen(1)
	return k.sendmsg(fd, &hdr)
}
