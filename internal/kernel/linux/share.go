//go:build linux

package linux

import (
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// share lets other sockets bind to the address of the socket.
func (c *conn) share(cfg kernel.Config) error {
	return c.controlAll(func(fd int) error {
		set := settings{fd: fd}
		set.sharing(cfg)
		return set.err
	})
}

// sharesAfterBind reports whether the sharing options are set after the bind. They
// are if the socket asks for a free port: with the options set, the kernel may
// choose a port that other sockets share. gVisor ignores the options after the
// bind, and chooses free ports in any case.
func sharesAfterBind(cfg kernel.Config) bool {
	return cfg.Local.Port() == 0 && (cfg.ReuseAddr || cfg.ReusePort) && lateSharing() == nil
}

// lateSharing returns an error if a port cannot be shared by options that are set
// after the bind. It tries that with two sockets.
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
