//go:build linux

package linux

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// levels are the levels of socket options to copy, and how many options each may
// have. SOL_SOCKET comes last: IP_TOS changes SO_PRIORITY.
var levels = [...]struct{ level, options int }{
	{unix.IPPROTO_IP, 64}, {unix.IPPROTO_IPV6, 96}, {unix.SOL_UDP, 128}, {unix.SOL_SOCKET, 96},
}

// copyOptions copies every option of from that has another value on to. It goes
// through all numbers, because the kernel has more options than package unix knows.
func copyOptions(to, from int) {
	var buffers [2][256]byte
	for _, l := range levels {
		for option := 1; option < l.options; option++ {
			if l.level == unix.SOL_SOCKET && !copied(option) {
				continue
			}
			want, errno := rawOption(from, l.level, option, buffers[0][:])
			if errno != 0 || len(want) == 0 {
				continue
			}
			have, errno := rawOption(to, l.level, option, buffers[1][:])
			if errno != 0 || bytes.Equal(want, have) {
				continue
			}
			if isBuffer(l.level, option) {
				copyBuffer(to, from, option)
				continue
			}
			_, _, _ = unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(to), uintptr(l.level), uintptr(option),
				uintptr(unsafe.Pointer(unsafe.SliceData(want))), uintptr(len(want)), 0)
		}
	}
}

// rawOption reads an option of any size that fits buffer.
func rawOption(fd, level, option int, buffer []byte) ([]byte, syscall.Errno) {
	n := uint32(len(buffer))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(unsafe.SliceData(buffer))), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 || int(n) > len(buffer) {
		return nil, errno
	}
	return buffer[:n], 0
}

// copied reports whether an option of SOL_SOCKET is to be copied. SO_ERROR is reset
// by reading, the length of SO_ATTACH_FILTER counts instructions, SO_INCOMING_CPU
// is the CPU of the last datagram, and prepare sets the device.
func copied(option int) bool {
	switch option {
	case unix.SO_ERROR, unix.SO_ATTACH_FILTER, unix.SO_INCOMING_CPU, unix.SO_BINDTODEVICE, unix.SO_BINDTOIFINDEX:
		return false
	}
	return true
}

// copyBuffer copies the size of a buffer, which the kernel doubles. One that was
// forced beyond the limit is forced again.
func copyBuffer(to, from, option int) {
	size, err := unix.GetsockoptInt(from, unix.SOL_SOCKET, option)
	if err != nil {
		return
	}
	force := unix.SO_RCVBUFFORCE
	if option == unix.SO_SNDBUF {
		force = unix.SO_SNDBUFFORCE
	}
	if unix.SetsockoptInt(to, unix.SOL_SOCKET, force, size/2) != nil {
		_ = unix.SetsockoptInt(to, unix.SOL_SOCKET, option, size/2)
	}
}
