//go:build unix

package kernel

import "golang.org/x/sys/unix"

// Truncated is the flag of a datagram that was cut off.
const Truncated = unix.MSG_TRUNC
