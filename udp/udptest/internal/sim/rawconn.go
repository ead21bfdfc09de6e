package sim

import (
	"errors"
	"os"
	"syscall"
)

// Dup is not possible: there is no descriptor.
func (c *Conn) Dup() (*os.File, error) {
	if err := c.locked(func() error { return nil }); err != nil {
		return nil, err
	}
	return nil, errors.ErrUnsupported
}

// SyscallConn returns a raw connection whose methods fail: there is no descriptor.
func (c *Conn) SyscallConn() syscall.RawConn { return rawConn{c} }

// Borrow is SyscallConn.
func (c *Conn) Borrow() syscall.RawConn { return rawConn{c} }

type rawConn struct{ c *Conn }

func (r rawConn) refuse() error { return r.c.locked(func() error { return errors.ErrUnsupported }) }

func (r rawConn) Control(func(uintptr)) error    { return r.refuse() }
func (r rawConn) Read(func(uintptr) bool) error  { return r.refuse() }
func (r rawConn) Write(func(uintptr) bool) error { return r.refuse() }
