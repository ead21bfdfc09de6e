package sim

import (
	"encoding/binary"
	"net/netip"

	"example.com/dgram/internal/posix"
)

const (
	protocolICMP   = 1
	protocolUDP    = 17
	protocolICMPv6 = 58
)

var network = binary.BigEndian

// appendIP appends a packet as it would be on the wire, in one piece.
func appendIP(b []byte, p *packet) []byte {
	if p.datagram() {
		return appendDatagram(b, p)
	}
	src, dst := p.src.Addr(), p.dst.Addr()
	protocol := protocolICMP
	if src.Is6() {
		protocol = protocolICMPv6
	}
	a := p.about
	quoted := appendDatagram(nil, a)
	body := make([]byte, 8, 8+len(quoted))
	body[0], body[1] = icmpCode(p.report, src)
	body = append(body, quoted[:min(len(quoted), 548)]...)
	seed := uint32(0)
	if protocol == protocolICMPv6 {
		seed = pseudoHeader(src, dst, protocol, len(body))
	}
	network.PutUint16(body[2:], checksum(seed, body))
	b = appendHeader(b, src, dst, protocol, p.tos, p.ttl, false, p.identity, len(body))
	return append(b, body...)
}

// icmpCode is the type and code that an errno came from.
func icmpCode(errno posix.Errno, a netip.Addr) (kind, code byte) {
	switch {
	case a.Is4() && errno == posix.ECONNREFUSED:
		return 3, 3
	case a.Is4():
		return 3, 1
	case errno == posix.ECONNREFUSED:
		return 1, 4
	}
	return 1, 3
}

func appendDatagram(b []byte, p *packet) []byte {
	src, dst, data := p.src, p.dst, p.data
	length := udpHeader + len(data)
	b = appendHeader(b, src.Addr(), dst.Addr(), protocolUDP, p.tos, p.ttl, p.df, p.identity, length)
	start := len(b)
	b = network.AppendUint16(b, src.Port())
	b = network.AppendUint16(b, dst.Port())
	b = network.AppendUint16(b, uint16(length))
	b = network.AppendUint16(b, 0)
	b = append(b, data...)
	sum := checksum(pseudoHeader(src.Addr(), dst.Addr(), protocolUDP, length), b[start:])
	if sum == 0 {
		sum = 0xffff // 0 says that there is none
	}
	network.PutUint16(b[start+6:], sum)
	return b
}

// appendHeader appends an IP header before n bytes.
func appendHeader(b []byte, src, dst netip.Addr, protocol int, tos, ttl uint8, df bool, identity uint16, n int) []byte {
	if src.Is6() {
		b = network.AppendUint32(b, 6<<28|uint32(tos)<<20)
		b = network.AppendUint16(b, uint16(n))
		b = append(b, byte(protocol), ttl)
		b = append(b, src.AsSlice()...)
		return append(b, dst.AsSlice()...)
	}
	start := len(b)
	b = append(b, 0x45, tos)
	b = network.AppendUint16(b, uint16(n+ipv4Header))
	b = network.AppendUint16(b, identity)
	flags := uint16(0)
	if df {
		flags = 0x4000
	}
	b = network.AppendUint16(b, flags)
	b = append(b, ttl, byte(protocol), 0, 0)
	b = append(b, src.AsSlice()...)
	b = append(b, dst.AsSlice()...)
	network.PutUint16(b[start+10:], checksum(0, b[start:]))
	return b
}

// pseudoHeader is the sum of what a checksum covers beside the bytes (RFC 768,
// RFC 8200).
func pseudoHeader(src, dst netip.Addr, protocol, n int) uint32 {
	return sum(0, src.AsSlice()) + sum(0, dst.AsSlice()) + uint32(protocol) + uint32(n)
}

func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(network.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// checksum is that of RFC 1071.
func checksum(seed uint32, b []byte) uint16 {
	s := sum(seed, b)
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}
