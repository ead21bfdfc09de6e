package sim

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// undescribed is the error of what needs a descriptor.
func undescribed(what string) error {
	return fmt.Errorf("%w: %s: a simulated socket has no descriptor", errors.ErrUnsupported, what)
}

// Dup is not possible: there is no descriptor.
func (c *Conn) Dup() (*os.File, error) {
	if err := c.locked(func() error { return nil }); err != nil {
		return nil, err
	}
	return nil, undescribed("duplicate of a socket")
}

// SyscallConn returns a raw connection whose methods fail: there is no descriptor.
func (c *Conn) SyscallConn() syscall.RawConn { return rawConn{c} }

// Borrow is SyscallConn.
func (c *Conn) Borrow() syscall.RawConn { return rawConn{c} }

type rawConn struct{ c *Conn }

func (r rawConn) refuse(what string) error {
	return r.c.locked(func() error { return undescribed(what) })
}

func (r rawConn) Control(func(uintptr)) error    { return r.refuse("raw control") }
func (r rawConn) Read(func(uintptr) bool) error  { return r.refuse("raw read") }
func (r rawConn) Write(func(uintptr) bool) error { return r.refuse("raw write") }
