//go:build !unix

package kernel

// Truncated is the flag of a datagram that was cut off: MSG_TRUNC of Windows.
const Truncated = 0x100
