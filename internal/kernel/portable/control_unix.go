//go:build unix

package portable

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// parseControl parses the control messages of a datagram. It ignores unknown
// messages and one that is cut off, because the payload is useful without them.
func parseControl(b []byte) (i info) {
	for len(b) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			break
		}
		switch h.Level {
		case unix.IPPROTO_IP:
			i.parse4(int(h.Type), data)
		case unix.IPPROTO_IPV6:
			i.parse6(int(h.Type), data)
		}
		b = rest
	}
	i.foreign = i.foreign || foreign(i.to)
	return i
}

// parse6 parses struct in6_pktinfo (RFC 3542, section 6.1) and the traffic class
// and the hop limit, which are ints. For an IPv4 datagram the IPv4 messages take
// precedence.
func (i *info) parse6(kind int, data []byte) {
	switch {
	case kind == unix.IPV6_PKTINFO && len(data) >= 20:
		to := netip.AddrFrom16([16]byte(data)).Unmap()
		if !i.to.IsValid() || !to.Is4() {
			i.to, i.index = to, getNative(data[16:])
		}
	case kind == unix.IPV6_TCLASS && len(data) >= 4:
		i.tos = uint8(getNative(data))
	case kind == unix.IPV6_HOPLIMIT && len(data) >= 4:
		i.ttl = uint8(getNative(data))
	}
}

// parsePktinfo parses struct in_pktinfo: interface, own address, destination. Linux
// and macOS have it.
func (i *info) parsePktinfo(data []byte) {
	if len(data) >= 12 {
		i.index = getNative(data)
		i.to = netip.AddrFrom4([4]byte(data[8:]))
	}
}

// pktinfo writes struct in_pktinfo.
func pktinfo(from netip.Addr, index int) []byte {
	data := make([]byte, 12)
	putInt(data, index)
	if from.Is4() {
		a := from.As4()
		copy(data[4:], a[:])
	}
	return data
}

// control makes a control message: length, level, type, and the data where it
// is aligned. The length is as wide as the system's headers have it.
func control(level, kind int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	const wide = unix.SizeofCmsghdr - 8
	if wide == 8 {
		binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	} else {
		putInt(b, unix.CmsgLen(len(data)))
	}
	putInt(b[wide:], level)
	putInt(b[wide+4:], kind)
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// native returns v as the kernel writes an int.
func native(v int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

func putInt(b []byte, v int) { binary.NativeEndian.PutUint32(b, uint32(v)) }
func getNative(b []byte) int { return int(int32(binary.NativeEndian.Uint32(b))) }
