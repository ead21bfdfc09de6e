package kernel

import (
	"errors"
	"fmt"

	"example.com/dgram/internal/posix"
)

// ErrNotUDP is the error of adopting a descriptor that is not a UDP socket.
var ErrNotUDP = errors.New("not a UDP socket")

// ErrStopped means that the stop channel was closed while a send waited.
var ErrStopped = errors.New("stopped waiting")

// ErrDrained means that nothing is left to read after [Conn.Drain].
var ErrDrained = errors.New("socket is drained")

// A ZoneError is a zone that names no interface. It matches syscall.ENODEV.
type ZoneError string

func (e ZoneError) Error() string { return "no such interface: " + string(e) }

// Is makes errors.Is(err, syscall.ENODEV) hold.
func (e ZoneError) Is(target error) bool { return target == posix.ENODEV }

// InterfaceError returns err with the name of the interface that a socket could not
// be bound to.
func InterfaceError(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("interface %s: %w", name, err)
}

// WouldBlock reports whether err means that a buffer of the kernel is full and that
// waiting helps. ENOBUFS, a full device queue, counts as such: net treats it as
// fatal, libuv as EAGAIN.
func WouldBlock(err error) bool {
	return errors.Is(err, posix.EAGAIN) || errors.Is(err, posix.ENOBUFS)
}
