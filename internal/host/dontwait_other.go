//go:build !unix || aix

package host

// MsgDontWait is the flag of a receive that does not wait: MSG_NONBLOCK of AIX. The
// other systems without MSG_DONTWAIT have no such flag.
const MsgDontWait = 0x4000
