//go:build freebsd || openbsd || netbsd || dragonfly || darwin

package portable

import (
	"os"

	"golang.org/x/sys/unix"
)

// clearPeer disconnects. These systems disconnect before they connect, so it is
// enough to connect to nobody; that this fails is how it works.
func clearPeer(fd uintptr) error {
	if _, err := unix.Getpeername(int(fd)); err != nil {
		return nil
	}
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return err
	}
	var nobody unix.Sockaddr = &unix.SockaddrInet4{}
	if _, ok := sa.(*unix.SockaddrInet6); ok {
		nobody = &unix.SockaddrInet6{}
	}
	err = unix.Connect(int(fd), nobody)
	if _, still := unix.Getpeername(int(fd)); still == nil {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// shareAddr lets sockets share an address. Here SO_REUSEADDR alone does so for
// groups only.
func shareAddr(fd uintptr) error {
	if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}
