//go:build freebsd || openbsd || netbsd || dragonfly || darwin

package portable

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// canConnect reports whether the kernel may connect a socket: disconnecting makes its
// local address the wildcard.
func canConnect(local netip.Addr) bool { return local.IsUnspecified() }

// clearPeer disconnects a socket by connecting it to the zero address. These systems
// remove the peer first, and then refuse the new one.
func clearPeer(fd uintptr) error {
	if _, err := unix.Getpeername(int(fd)); err != nil {
		return nil
	}
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return err
	}
	var zero unix.Sockaddr = &unix.SockaddrInet4{}
	if _, ok := sa.(*unix.SockaddrInet6); ok {
		zero = &unix.SockaddrInet6{}
	}
	err = unix.Connect(int(fd), zero)
	if _, still := unix.Getpeername(int(fd)); still == nil {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// reuseAddr lets sockets share an address. On these systems SO_REUSEADDR alone does
// that for multicast addresses only.
func reuseAddr(fd uintptr) error {
	if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}
