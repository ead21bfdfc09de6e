//go:build linux

package linux

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// A call is a system call that datagrams go through.
type call uint32

const (
	callRecvmmsg call = 1 << iota
	callRecvmsg
	callRecvfrom
	callSendmmsg
	callSendmsg
	callSendto
)

var traps = map[call]uintptr{
	callRecvmmsg: unix.SYS_RECVMMSG, callRecvmsg: unix.SYS_RECVMSG, callRecvfrom: unix.SYS_RECVFROM,
	callSendmmsg: unix.SYS_SENDMMSG, callSendmsg: unix.SYS_SENDMSG, callSendto: unix.SYS_SENDTO,
}

// syscalls is what a socket may call. A sandbox may refuse any call (seccomp(2)),
// with any errno, before the socket is opened or later. The next best call takes
// its place then: recvmmsg, recvmsg, recvfrom, and the same to send.
type syscalls struct {
	refused atomic.Uint32 // calls
	later   syscall.Errno // what the next receive returns; the one reader's
}

func (k *syscalls) may(c call) bool { return k.refused.Load()&uint32(c) == 0 }

// ask finds out which calls are refused.
func (k *syscalls) ask() error {
	var errno syscall.Errno
	for c := range traps {
		if e := probe(traps[c]); e != 0 {
			k.refused.Or(uint32(c))
			errno = e
		}
	}
	switch {
	case !k.may(callRecvmmsg) && !k.may(callRecvmsg) && !k.may(callRecvfrom):
		return os.NewSyscallError("recvfrom", errno)
	case !k.may(callSendmmsg) && !k.may(callSendmsg) && !k.may(callSendto):
		return os.NewSyscallError("sendto", errno)
	}
	return nil
}

// probe calls the kernel with a descriptor that cannot be open. A kernel that
// has the call says so: EBADF. What else it says is why it refuses, but for what
// is so for a moment.
func probe(trap uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(trap, ^uintptr(0), 0, 0, 0, 0, 0)
	switch {
	case errno == 0:
		return unix.ENOSYS // yes, to a descriptor that is not one
	case kernel.IsSocketGone(errno), kernel.IsMemoryShort(errno), errno == unix.EINTR, errno == unix.EIO:
		return 0
	}
	return errno
}

// refuses reports whether errno, which c returned, is about the call and not
// about the socket or the datagram.
func (k *syscalls) refuses(fd uintptr, c call, errno syscall.Errno) bool {
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED, unix.ENOBUFS, unix.ENOMEM, unix.EMSGSIZE:
		return false
	}
	if kernel.IsSocketGone(errno) {
		return false
	}
	if probe(traps[c]) == 0 {
		return false
	}
	k.refuse(fd, c)
	return true
}

// refuse notes that c is of no use. Without control messages a burst that the
// kernel coalesces would look like one datagram, so it has to stop. What it has
// coalesced already stays in one piece.
func (k *syscalls) refuse(fd uintptr, c call) {
	k.refused.Or(uint32(c))
	if !k.receivesControl() {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 0)
	}
}

// receivesControl and sendsControl report whether there is a call that takes
// control messages.
func (k *syscalls) receivesControl() bool { return k.may(callRecvmmsg) || k.may(callRecvmsg) }
func (k *syscalls) sendsControl() bool    { return k.may(callSendmmsg) || k.may(callSendmsg) }

// receivesControlNow is receivesControl after the kernel was asked again.
func (k *syscalls) receivesControlNow() bool {
	for _, c := range []call{callRecvmmsg, callRecvmsg} {
		if probe(traps[c]) != 0 {
			k.refused.Or(uint32(c))
		}
	}
	return k.receivesControl()
}

// recvmmsg receives into as many of hdrs as there are datagrams for. With quick
// the call is short: it skips entersyscall.
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
		case errno == 0: // neither a datagram nor a reason
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
		return 0, unix.EAGAIN // its entries are control messages
	}
	return k.recvfromHeader(fd, hdr, flags)
}

// recvfromHeader is recvmsg by recvfrom, which knows neither control messages
// nor more than one buffer, and does not say that it cut a datagram off but,
// when asked, how long it was.
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

// recvfrom receives one datagram into b, and returns its length, which may be
// more than there is room for.
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

// sendmmsg sends as many of hdrs as the kernel takes.
func (k *syscalls) sendmmsg(fd uintptr, hdrs []mmsghdr) (n int, errno syscall.Errno) {
	if k.may(callSendmmsg) {
		got, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(unsafe.SliceData(hdrs))), uintptr(len(hdrs)), sendFlags, 0, 0)
		switch {
		case errno == 0 && got > 0, errno != 0 && !k.refuses(fd, callSendmmsg, errno):
			return int(got), errno
		case errno == 0: // neither sent nor a reason
			k.refuse(fd, callSendmmsg)
		}
	}
	for i := range hdrs {
		if errno := k.sendmsg(fd, &hdrs[i].hdr); errno != 0 {
			if i > 0 {
				return i, 0 // the next call says why
			}
			return 0, errno
		}
	}
	return len(hdrs), 0
}

const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// sendmsg sends one datagram. Where no call takes its control messages it is an
// error: what they ask for cannot be had.
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

// sendto sends b to the address, or to the peer.
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

// sendtoHeader is sendto by sendmsg. It has a function of its own, so that the
// header does not lie on the stack of every sendto.
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

// bytesOf is the first buffer.
func bytesOf(iovs []unix.Iovec) []byte {
	if len(iovs) == 0 {
		return nil
	}
	return unsafe.Slice(iovs[0].Base, int(iovs[0].Len))
}

func sizeOf(iovs []unix.Iovec) (n int) {
	for i := range iovs {
		n += int(iovs[i].Len)
	}
	return n
}
