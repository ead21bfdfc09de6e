//go:build linux

package linux

import (
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// share lets others bind to the address of the socket.
func (c *conn) share(cfg kernel.Config) error {
	return c.controlAll(func(fd int) error {
		set := settings{fd: fd}
		set.sharing(cfg)
		return set.err
	})
}

// sharesAfterBind reports whether the socket is shared after it was bound. So it is
// where it asks for a free port, because the kernel takes a port that others share
// for free as well. gVisor heeds what was set before the bind alone, and takes ports
// that are free.
func sharesAfterBind(cfg kernel.Config) bool {
	return cfg.Local.Port() == 0 && (cfg.ReuseAddr || cfg.ReusePort) && lateSharing() == nil
}

// lateSharing tries with two sockets of its own whether a port can be shared by what
// is set after the bind.
func lateSharing() error {
	var fds [2]int
	for i := range fds {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		fds[i] = fd
	}
	var local unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(fds[0], local); err != nil {
		return err
	}
	local, err := unix.Getsockname(fds[0])
	if err != nil {
		return err
	}
	for _, fd := range fds {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
	}
	return unix.Bind(fds[1], local)
}
