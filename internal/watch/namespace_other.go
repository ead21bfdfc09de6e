//go:build !linux

package watch

import "syscall"

// In runs f: there is one network.
func In(_ syscall.RawConn, f func() error) error { return f() }
