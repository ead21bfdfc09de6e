//go:build linux || windows

package sockopt

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// own sets the options of Linux and Windows, which name interfaces by their index in
// both families.
type own struct{ raw syscall.RawConn }

func (own) both() bool { return true }

// groupLevel returns the protocol of a group's options.
func groupLevel(m Member) int {
	if m.Group.Is4() {
		return levelIPv4
	}
	return levelIPv6
}

// get4 reads an option of IPv4. It is never called for the interface, of which the
// systems report an address at most.
func (g own) get4(s setting) (int, error) {
	if s == multicastLoopback {
		return g.getsockopt(levelIPv4, loopback4)
	}
	return g.getsockopt(levelIPv4, hops4)
}

func (g own) get6(s setting) (int, error) { return g.getsockopt(levelIPv6, settings6[s]) }

func (g own) getsockopt(level, option int) (value int, err error) {
	err = g.control("getsockopt", func(fd descriptor) (err error) {
		value, err = getInt(fd, level, option)
		return err
	})
	return value, err
}

// control runs f on the descriptor and names the system call that failed. An option
// that the system does not know is errors.ErrUnsupported.
func (g own) control(call string, f func(fd descriptor) error) error {
	var err error
	if closed := g.raw.Control(func(fd uintptr) { err = f(descriptor(fd)) }); closed != nil {
		return net.ErrClosed
	}
	if errors.Is(err, errUnknownOption) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, os.NewSyscallError(call, err))
	}
	return os.NewSyscallError(call, err)
}
