package sim

import (
	"encoding/binary"
	"time"
)

// The blocks and options of pcapng that a capture has
// (draft-ietf-opsawg-pcapng, section 4).
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	packetBlock    = 6

	byteOrder = 0x1a2b3c4d
	rawIP     = 101 // LINKTYPE_RAW: the packet begins with its IP header

	endOfOptions     = 0
	commentOption    = 1
	nameOption       = 2 // of an interface
	resolutionOption = 9 // of an interface's clock
	flagsOption      = 2 // of a packet: its direction
)

var order = binary.LittleEndian

// appendBlock appends a block: its type, its length before and after, and the
// body padded to 32 bits.
func appendBlock(b []byte, kind uint32, body func([]byte) []byte) []byte {
	start := len(b)
	b = order.AppendUint32(b, kind)
	b = order.AppendUint32(b, 0)
	b = pad(body(b), start)
	length := uint32(len(b) - start + 4)
	order.PutUint32(b[start+4:], length)
	return order.AppendUint32(b, length)
}

func pad(b []byte, start int) []byte {
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendOption(b []byte, code uint16, value []byte) []byte {
	start := len(b)
	b = order.AppendUint16(b, code)
	b = order.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...), start)
}

// appendSection begins a capture.
func appendSection(b []byte) []byte {
	return appendBlock(b, sectionBlock, func(b []byte) []byte {
		b = order.AppendUint32(b, byteOrder)
		b = order.AppendUint16(b, 1)
		b = order.AppendUint16(b, 0)
		return order.AppendUint64(b, ^uint64(0)) // of unknown length
	})
}

// appendInterface describes an interface, with a clock in nanoseconds.
func appendInterface(b []byte, name string) []byte {
	return appendBlock(b, interfaceBlock, func(b []byte) []byte {
		b = order.AppendUint16(b, rawIP)
		b = order.AppendUint16(b, 0)
		b = order.AppendUint32(b, 0) // packets are whole
		b = appendOption(b, nameOption, []byte(name))
		b = appendOption(b, resolutionOption, []byte{9})
		return appendOption(b, endOfOptions, nil)
	})
}

// appendPacket appends an IP packet that passed an interface.
func appendPacket(b []byte, id uint32, at time.Time, w way, comment string, ip []byte) []byte {
	return appendBlock(b, packetBlock, func(b []byte) []byte {
		start := len(b)
		b = order.AppendUint32(b, id)
		nanos := uint64(at.UnixNano())
		b = order.AppendUint32(b, uint32(nanos>>32))
		b = order.AppendUint32(b, uint32(nanos))
		b = order.AppendUint32(b, uint32(len(ip)))
		b = order.AppendUint32(b, uint32(len(ip)))
		b = pad(append(b, ip...), start)
		if comment != "" {
			b = appendOption(b, commentOption, []byte(comment))
		}
		b = appendOption(b, flagsOption, order.AppendUint32(nil, uint32(w)+1))
		return appendOption(b, endOfOptions, nil)
	})
}
