package netlab

import (
	"os"

	"golang.org/x/sys/unix"
)

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL of <linux/membarrier.h>.
const membarrierGlobal = 1

// Delivered returns when each CPU has ended what it was delivering: a datagram that
// had found its socket then lies in the socket's buffer, or was dropped. The kernel
// delivers in a read-side critical section of RCU; membarrier(2) waits until those
// that have begun are over, which takes milliseconds.
func Delivered() error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		return os.NewSyscallError("membarrier", errno)
	}
	return nil
}
