//go:build !unix

package host

// MsgTrunc is the flag of a message that was cut off: MSG_TRUNC of Windows.
const MsgTrunc = 0x100
