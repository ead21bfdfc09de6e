//go:build linux

package linux

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Datagrams returns how many datagrams the kernel makes of n bytes that are sent
// with the control messages in oob: more than one if a message asks for segments
// (UDP_SEGMENT, udp(7)).
func (*conn) Datagrams(n int, oob []byte) int {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_UDP && h.Type == unix.UDP_SEGMENT && len(data) >= 2 {
			if size := int(binary.NativeEndian.Uint16(data)); size > 0 {
				return max(1, (n+size-1)/size)
			}
		}
		oob = rest
	}
	return 1
}
