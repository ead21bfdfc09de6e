//go:build linux

package linux

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// ParseControl is parseControl.
func ParseControl(b []byte, p *kernel.Packet) { _, _ = parseControl(b, p) }

// ParseRefusal is refusal.
func ParseRefusal(b []byte) (syscall.Errno, bool) { return refusal(b) }

// AppendSource is appendSource4 or appendSource6.
func AppendSource(from netip.Addr, index int, inet6 bool) []byte {
	b := make([]byte, 0, controlSendSize)
	if inet6 && !from.Is4() {
		return appendSource6(b, from, index)
	}
	return appendSource4(b, from, index)
}

// AppendControl is appendControl, with room for the message.
func AppendControl(b []byte, level, kind int, data []byte) []byte {
	room := make([]byte, len(b), len(b)+unix.CmsgSpace(len(data)))
	copy(room, b)
	return appendControl(room, level, kind, data)
}

// Decode decodes bytes that the kernel might have written. No interface has a name
// there.
func Decode(b []byte) netip.AddrPort {
	var name rawName
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&name)), sizeofName), b)
	return decode(^uintptr(0), &name, new(zoneCache))
}

// Encode returns an address in the form that the kernel takes, on an IPv6 socket or
// an IPv4 one.
func Encode(a netip.AddrPort, inet6 bool) ([]byte, error) {
	var name rawName
	n, err := (&conn{inet6: inet6}).encode(^uintptr(0), &name, a)
	return unsafe.Slice((*byte)(unsafe.Pointer(&name)), sizeofName)[:n], err
}

// WithoutSegments makes the package behave as on a kernel without UDP_SEGMENT,
// until restore is called. It asks the kernel first.
func WithoutSegments() (restore func()) {
	known := segmenting.yes
	segmenting.yes = false
	return func() { segmenting.yes = known }
}

// Datagrams is the method of every Conn.
func Datagrams(n int, oob []byte) int { return (*conn)(nil).Datagrams(n, oob) }
