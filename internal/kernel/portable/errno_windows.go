//go:build windows

package portable

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// dualErrno is one error with two errnos: that of Windows, whose text it has, and
// that of package syscall, which on Windows is a number that no system call
// returns. errors.Is finds both.
type dualErrno struct{ native, portable syscall.Errno }

func (e dualErrno) Error() string   { return e.native.Error() }
func (e dualErrno) Unwrap() []error { return []error{e.native, e.portable} }

// system adds the second errno to the error of a system call.
func system(err error) error {
	call, ok := err.(*os.SyscallError)
	if !ok {
		return err
	}
	native, ok := call.Err.(syscall.Errno)
	if !ok {
		return err
	}
	if portable := portableErrno(native); portable != 0 {
		return &os.SyscallError{Syscall: call.Syscall, Err: dualErrno{native, portable}}
	}
	return err
}

func portableErrno(native syscall.Errno) syscall.Errno {
	switch native {
	case windows.WSAEACCES:
		return syscall.EACCES
	case windows.WSAEADDRINUSE:
		return syscall.EADDRINUSE
	case windows.WSAEADDRNOTAVAIL:
		return syscall.EADDRNOTAVAIL
	case windows.WSAEAFNOSUPPORT:
		return syscall.EAFNOSUPPORT
	case windows.WSAECONNREFUSED:
		return syscall.ECONNREFUSED
	case windows.WSAECONNRESET:
		return syscall.ECONNRESET
	case windows.WSAEHOSTUNREACH:
		return syscall.EHOSTUNREACH
	case windows.WSAEINVAL:
		return syscall.EINVAL
	case windows.WSAEISCONN:
		return syscall.EISCONN
	case windows.WSAEMSGSIZE:
		return syscall.EMSGSIZE
	case windows.WSAENETDOWN:
		return syscall.ENETDOWN
	case windows.WSAENETUNREACH:
		return syscall.ENETUNREACH
	case windows.WSAENOBUFS:
		return syscall.ENOBUFS
	case windows.WSAENOTCONN:
		return syscall.ENOTCONN
	case windows.WSAEWOULDBLOCK:
		return syscall.EAGAIN
	}
	return 0
}
