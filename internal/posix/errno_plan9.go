// Package posix has the errnos of this module's errors: those of package syscall
// where that has them, and numbers of its own on Plan 9, so that programs which also
// build there may import this module.
package posix

import "syscall"

// Errno is an error of a system that has errnos. No system call returns it here.
type Errno uintptr

// The errnos of the errors that need no kernel.
const (
	EACCES Errno = 1 + iota
	EADDRINUSE
	EADDRNOTAVAIL
	EAFNOSUPPORT
	EAGAIN
	EBADF
	ECONNABORTED
	ECONNREFUSED
	EDESTADDRREQ
	EHOSTUNREACH
	EINVAL
	EISCONN
	EMSGSIZE
	ENETUNREACH
	ENOBUFS
	ENODEV
	ENOMEM
	ENOTCONN
	ENOTSOCK
)

var texts = [...]string{
	EACCES:        "permission denied",
	EADDRINUSE:    "address already in use",
	EADDRNOTAVAIL: "cannot assign requested address",
	EAFNOSUPPORT:  "address family not supported by protocol",
	EAGAIN:        "resource temporarily unavailable",
	EBADF:         "bad file descriptor",
	ECONNABORTED:  "software caused connection abort",
	ECONNREFUSED:  "connection refused",
	EDESTADDRREQ:  "destination address required",
	EHOSTUNREACH:  "no route to host",
	EINVAL:        "invalid argument",
	EISCONN:       "socket is already connected",
	EMSGSIZE:      "message too long",
	ENETUNREACH:   "network is unreachable",
	ENOBUFS:       "no buffer space available",
	ENODEV:        "no such device",
	ENOMEM:        "cannot allocate memory",
	ENOTCONN:      "socket is not connected",
	ENOTSOCK:      "socket operation on non-socket",
}

func (e Errno) Error() string { return texts[e] }

// Is makes errors.Is find the errors that Plan 9 has, too.
func (e Errno) Is(target error) bool {
	switch e {
	case EACCES:
		return target == syscall.EACCES
	case EAFNOSUPPORT:
		return target == syscall.EAFNOSUPPORT
	case EINVAL:
		return target == syscall.EINVAL
	}
	return false
}
