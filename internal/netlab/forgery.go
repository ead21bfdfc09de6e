package netlab

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// A Forgery is a UDP datagram with any source, and with any length and checksum.
type Forgery struct {
	MAC      net.HardwareAddr // the receiver of the frame
	From, To netip.AddrPort   // both IPv4, or both IPv6
	Payload  []byte

	Length   int    // length in the UDP header; 0 is the true one
	Checksum uint16 // added to the right checksum
	Hops     uint8  // TTL or hop limit; 0 is 64
}

// Frame returns the Ethernet frame, for [Host.Inject].
func (f Forgery) Frame() []byte {
	const udpHeader, udpProtocol = 8, 17
	hops := f.Hops
	if hops == 0 {
		hops = 64
	}
	length := f.Length
	if length == 0 {
		length = udpHeader + len(f.Payload)
	}

	udp := binary.BigEndian.AppendUint16(nil, f.From.Port())
	udp = binary.BigEndian.AppendUint16(udp, f.To.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(length))
	udp = append(udp, 0, 0)
	udp = append(udp, f.Payload...)
	binary.BigEndian.PutUint16(udp[6:], f.sum(udp, length, udpProtocol)+f.Checksum)

	from, to := f.From.Addr().AsSlice(), f.To.Addr().AsSlice()
	frame := make([]byte, 14, 14+40+len(udp))
	copy(frame, f.MAC)
	frame[6] = 2 // the address of no interface

	if f.To.Addr().Is4() {
		binary.BigEndian.PutUint16(frame[12:], 0x0800)
		ip := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, hops, udpProtocol, 0, 0}
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(udp)))
		ip = append(append(ip, from...), to...)
		binary.BigEndian.PutUint16(ip[10:], ^fold(onesSum(0, ip)))
		frame = append(frame, ip...)
	} else {
		binary.BigEndian.PutUint16(frame[12:], 0x86dd)
		ip := []byte{0x60, 0, 0, 0, 0, 0, udpProtocol, hops}
		binary.BigEndian.PutUint16(ip[4:], uint16(len(udp)))
		frame = append(append(append(frame, ip...), from...), to...)
	}
	return append(frame, udp...)
}

// sum returns the checksum of a UDP datagram of which length bytes count.
func (f Forgery) sum(udp []byte, length int, protocol uint32) uint16 {
	s := onesSum(protocol+uint32(length), f.From.Addr().AsSlice())
	s = onesSum(s, f.To.Addr().AsSlice())
	s = onesSum(s, udp[:min(length, len(udp))])
	if sum := ^fold(s); sum != 0 {
		return sum
	}
	return 0xffff // 0 says that there is no checksum
}

// onesSum adds b to a sum of 16 bit words that is yet to be folded.
func onesSum(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
