//go:build windows

package portable

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// WSACMSGHDR (ws2def.h) is a length as wide as a pointer, level, and type. The data
// and the next header are aligned like a pointer.
const (
	wide       = int(unsafe.Sizeof(uintptr(0)))
	headerSize = (wide + 8 + wide - 1) &^ (wide - 1)
)

func control(level, kind int, data []byte) []byte {
	b := make([]byte, headerSize+(len(data)+wide-1)&^(wide-1))
	binary.NativeEndian.PutUint32(b, uint32(headerSize+len(data))) // every Windows is little-endian
	binary.NativeEndian.PutUint32(b[wide:], uint32(level))
	binary.NativeEndian.PutUint32(b[wide+4:], uint32(kind))
	copy(b[headerSize:], data)
	return b
}

// parseControl reads the control messages that came with a datagram.
func parseControl(b []byte) (i info) {
	for len(b) >= headerSize {
		n := int(binary.NativeEndian.Uint32(b))
		if n < headerSize || n > len(b) {
			break
		}
		i.parse(int(binary.NativeEndian.Uint32(b[wide:])), int(binary.NativeEndian.Uint32(b[wide+4:])), b[headerSize:n])
		b = b[min((n+wide-1)&^(wide-1), len(b)):]
	}
	i.foreign = foreign(i.to)
	return i
}

// parse reads IN_PKTINFO and IN6_PKTINFO (ws2ipdef.h), address before
// interface, and the type of service.
func (i *info) parse(level, kind int, data []byte) {
	v4, v6 := level == windows.IPPROTO_IP, level == windows.IPPROTO_IPV6
	switch {
	case v4 && kind == windows.IP_PKTINFO && len(data) >= 8:
		i.to = netip.AddrFrom4([4]byte(data))
		i.index = int(binary.NativeEndian.Uint32(data[4:]))
	case v6 && kind == windows.IPV6_PKTINFO && len(data) >= 20:
		i.to = netip.AddrFrom16([16]byte(data)).Unmap()
		i.index = int(binary.NativeEndian.Uint32(data[16:]))
	case (v4 && kind == nameTTL || v6 && kind == nameReceiveTTL) && len(data) >= 4:
		i.ttl = uint8(binary.NativeEndian.Uint32(data))
	case (v4 && kind == nameTOS || v6 && kind == nameClass) && len(data) >= 4:
		i.tos = uint8(binary.NativeEndian.Uint32(data))
	}
}
