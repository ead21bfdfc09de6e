//go:build unix

package host

import "golang.org/x/sys/unix"

// MsgTrunc is the flag of a message that was cut off, as recvmsg(2) returns it.
const MsgTrunc = unix.MSG_TRUNC
