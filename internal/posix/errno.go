//go:build !plan9

// Package posix has the errnos of this module's errors: those of package syscall
// where that has them, and numbers of its own on Plan 9, so that programs which also
// build there may import this module.
package posix

import "syscall"

// Errno is syscall.Errno.
type Errno = syscall.Errno

// The errnos of package syscall.
const (
	EACCES        = syscall.EACCES
	EADDRINUSE    = syscall.EADDRINUSE
	EADDRNOTAVAIL = syscall.EADDRNOTAVAIL
	EAFNOSUPPORT  = syscall.EAFNOSUPPORT
	EAGAIN        = syscall.EAGAIN
	EBADF         = syscall.EBADF
	ECONNABORTED  = syscall.ECONNABORTED
	ECONNREFUSED  = syscall.ECONNREFUSED
	EDESTADDRREQ  = syscall.EDESTADDRREQ
	EHOSTUNREACH  = syscall.EHOSTUNREACH
	EINVAL        = syscall.EINVAL
	EISCONN       = syscall.EISCONN
	EMSGSIZE      = syscall.EMSGSIZE
	ENETUNREACH   = syscall.ENETUNREACH
	ENOBUFS       = syscall.ENOBUFS
	ENODEV        = syscall.ENODEV
	ENOMEM        = syscall.ENOMEM
	ENOTCONN      = syscall.ENOTCONN
	ENOTSOCK      = syscall.ENOTSOCK
)
