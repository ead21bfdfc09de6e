//go:build unix && !aix

package host

import "golang.org/x/sys/unix"

// MsgDontWait is the flag of a receive that does not wait.
const MsgDontWait = unix.MSG_DONTWAIT
