//go:build linux

package linux

import (
	"errors"
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// SyscallConn gives access to the descriptor. The user may make a duplicate.
func (c *conn) SyscallConn() syscall.RawConn { return sharedConn{rawConn{c}} }

// Borrow gives access to the descriptor to code that makes no duplicate.
func (c *conn) Borrow() syscall.RawConn { return rawConn{c} }

// sharedConn is a rawConn whose user may make a duplicate.
type sharedConn struct{ raw rawConn }

func (r sharedConn) Control(f func(uintptr)) error {
	c := r.raw.c
	c.exposed.Store(true)
	return c.mapClosed(c.sock.Load().raw.Control(f)) // without the lock: f may call any method
}

func (r sharedConn) Read(f func(uintptr) bool) error {
	r.raw.c.exposed.Store(true)
	return r.raw.Read(f)
}

func (r sharedConn) Write(f func(uintptr) bool) error {
	r.raw.c.exposed.Store(true)
	return r.raw.Write(f)
}

// rawConn replaces the errors of package os after Close with net.ErrClosed.
type rawConn struct{ c *conn }

// Control runs f while the socket is not being replaced.
func (r rawConn) Control(f func(uintptr)) error {
	if !r.c.acquire() {
		return net.ErrClosed
	}
	defer r.c.release()
	return r.c.mapClosed(r.c.sock.Load().raw.Control(f))
}

func (r rawConn) Read(f func(uintptr) bool) error { return r.c.whenReadable(f) }

// Write tries again after a deadline: the only write deadline is that of SendWait,
// which is not meant for Write.
func (r rawConn) Write(f func(uintptr) bool) error {
	for {
		err := r.c.sock.Load().raw.Write(f)
		if r.c.closed.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return r.c.mapClosed(err)
		}
		runtime.Gosched() // SendWait is about to remove the deadline
	}
}

// Dup returns a duplicate of the descriptor.
func (c *conn) Dup() (*os.File, error) {
	fd := -1
	err := c.control("fcntl", func(s uintptr) (err error) {
		fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.shared.Store(true)
	return os.NewFile(uintptr(fd), c.sock.Load().file.Name()), nil
}
