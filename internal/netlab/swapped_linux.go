package netlab

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Swapped reports whether some answers of the kernel have the other byte order:
// those of netlink, and numbers in control messages. That is so on a big-endian
// machine that qemu-user emulates, which does not convert what it does not know.
// Such an emulator refuses SO_TIMESTAMPNS, which Linux has had since 2.6.22.
func Swapped() bool {
	if binary.NativeEndian.Uint16([]byte{0, 1}) != 1 {
		return false
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) == unix.ENOPROTOOPT
}
