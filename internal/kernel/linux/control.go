//go:build linux

package linux

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// parseControl parses the control messages of a packet (cmsg(3)), and the kernel's
// count of drops if it is among them. It ignores unknown messages and one that is
// cut off, because the payload is useful without them.
func parseControl(b []byte, p *kernel.Packet) (drops uint32, counted bool) {
	for len(b) >= unix.SizeofCmsghdr {
		n, level, kind := controlHeader(b)
		if n < unix.SizeofCmsghdr || n > len(b) {
			break
		}
		data := b[min(unix.CmsgLen(0), n):n]
		switch level {
		case unix.SOL_IP:
			parseIPv4(kind, data, p)
		case unix.SOL_IPV6:
			parseIPv6(kind, data, p)
		case unix.SOL_SOCKET:
			switch kind {
			case unix.SO_TIMESTAMPNS, unix.SO_TIMESTAMPNS_NEW:
				p.Time = receiveTime(data, time.Nanosecond)
			case unix.SO_TIMESTAMP, unix.SO_TIMESTAMP_NEW:
				p.Time = receiveTime(data, time.Microsecond)
			case unix.SO_RXQ_OVFL:
				if len(data) >= 4 {
					drops, counted = binary.NativeEndian.Uint32(data), true
				}
			}
		case unix.SOL_UDP:
			if kind == unix.UDP_GRO && len(data) >= 4 {
				p.Segment = int(int32(binary.NativeEndian.Uint32(data)))
			}
		}
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	return drops, counted
}

// controlHeader reads a struct cmsghdr: its length is a size_t.
func controlHeader(b []byte) (n int, level, kind int32) {
	size := unix.SizeofCmsghdr - 8
	if size == 8 {
		n = int(binary.NativeEndian.Uint64(b))
	} else {
		n = int(binary.NativeEndian.Uint32(b))
	}
	level = int32(binary.NativeEndian.Uint32(b[size:]))
	kind = int32(binary.NativeEndian.Uint32(b[size+4:]))
	return n, level, kind
}

// parseIPv4 reads struct in_pktinfo (ip(7)), the type of service, which is one
// byte, and the time to live, which is an int. The address in the header is where it was sent to; the other is
// ours, and differs for a broadcast or a group.
func parseIPv4(kind int32, data []byte, p *kernel.Packet) {
	switch {
	case kind == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		p.Interface = int(int32(binary.NativeEndian.Uint32(data)))
		p.To = netip.AddrFrom4([4]byte(data[8:]))
		p.NonUnicastDst = [4]byte(data[4:]) != [4]byte(data[8:])
	case kind == unix.IP_TOS && len(data) >= 1:
		p.TOS = data[0]
	case kind == unix.IP_TTL && len(data) >= 4:
		p.TTL = uint8(binary.NativeEndian.Uint32(data))
	}
}

// parseIPv6 parses struct in6_pktinfo (RFC 3542, section 6.1) and the traffic class
// and the hop limit, which are ints. For an IPv4 datagram the IPv4 messages take
// precedence.
func parseIPv6(kind int32, data []byte, p *kernel.Packet) {
	switch {
	case kind == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		to := netip.AddrFrom16([16]byte(data))
		if p.To.IsValid() && to.Is4In6() {
			return
		}
		p.To = to.Unmap()
		p.Interface = int(int32(binary.NativeEndian.Uint32(data[16:])))
		p.NonUnicastDst = p.To.IsMulticast()
	case kind == unix.IPV6_TCLASS && len(data) >= 4:
		p.TOS = uint8(binary.NativeEndian.Uint32(data))
	case kind == unix.IPV6_HOPLIMIT && len(data) >= 4:
		p.TTL = uint8(binary.NativeEndian.Uint32(data))
	}
}

// receiveTime reads seconds and units: a struct timespec or timeval, of either width.
func receiveTime(data []byte, unit time.Duration) time.Time {
	switch {
	case len(data) >= 16:
		return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:]))*int64(unit))
	case len(data) >= 8:
		return time.Unix(int64(int32(binary.NativeEndian.Uint32(data))), int64(int32(binary.NativeEndian.Uint32(data[4:])))*int64(unit))
	}
	return time.Time{}
}
