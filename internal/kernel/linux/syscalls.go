//go:build linux

package linux

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
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

// syscalls records which system calls a socket may make. A sandbox may refuse any
// call (seccomp(2)), with any errno, before the socket is opened or later. Then the
// next best call takes its place: recvmmsg, recvmsg, recvfrom, and the same to
// send.
type syscalls struct {
	refused atomic.Uint32 // calls
	later   syscall.Errno // the errno of the next receive; the reader's alone
}

func (k *syscalls) may(c call) bool { return k.refused.Load()&uint32(c) == 0 }

// ask finds out which calls the kernel refuses. It fails if no call is left that
// receives, or none that sends.
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

// probe makes a call with a descriptor that cannot be open. A kernel that permits
// the call returns EBADF. probe returns 0 then, and for errnos that may be
// temporary; any other errno is that of the refusal. The message of the call is
// valid, because qemu-user looks at it before the descriptor.
func probe(trap uintptr) syscall.Errno {
	var part unix.Iovec
	message := mmsghdr{hdr: unix.Msghdr{Iov: &part}}
	message.hdr.SetIovlen(1)
	count := uintptr(0) // or the flags of sendmsg and recvmsg, the length of sendto and recvfrom
	if trap == unix.SYS_SENDMMSG || trap == unix.SYS_RECVMMSG {
		count = 1
	}
	_, _, errno := syscall.RawSyscall6(trap, ^uintptr(0), uintptr(unsafe.Pointer(&message)), count, 0, 0, 0)
	switch {
	case errno == 0:
		return unix.ENOSYS // success on a descriptor that is not open
	case kernel.IsSocketGone(errno), kernel.IsMemoryShort(errno), errno == unix.EINTR, errno == unix.EIO:
		return 0
	}
	return errno
}

// refuses reports whether errno, which c returned, means that the call is refused,
// and not that the socket or the datagram is at fault.
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

// refuse records that the kernel refuses c. Without control messages a coalesced
// burst would look like one datagram, so refuse turns offload off. Bursts that are
// queued already stay in one piece.
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

// receivesControlNow is receivesControl with the present answers of the kernel.
func (k *syscalls) receivesControlNow() bool {
	for _, c := range []call{callRecvmmsg, callRecvmsg} {
		if probe(traps[c]) != 0 {
			k.refused.Or(uint32(c))
		}
	}
	return k.receivesControl()
}

// bytesOf returns the first buffer.
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
