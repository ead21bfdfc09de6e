package netlink

import (
	"bytes"
	"encoding/binary"
)

// An Attribute is a type and a value. The flags for nesting and byte order are
// not part of Type.
type Attribute struct {
	Type  uint16
	Value []byte
}

const (
	attributeHeader = 4      // the size of struct nlattr
	attributeType   = 0x3fff // NLA_TYPE_MASK
)

// ParseAttributes splits b, which is nothing but attributes. The values share the
// memory of b. An error comes with the attributes before it.
func ParseAttributes(b []byte) ([]Attribute, error) {
	var all []Attribute
	for len(b) > 0 {
		if len(b) < attributeHeader {
			return all, errShort
		}
		size := int(binary.NativeEndian.Uint16(b))
		if size < attributeHeader || size > len(b) {
			return all, errShort
		}
		all = append(all, Attribute{
			Type:  binary.NativeEndian.Uint16(b[2:]) & attributeType,
			Value: b[attributeHeader:size:size],
		})
		b = b[min(aligned(size), len(b)):]
	}
	return all, nil
}

// String returns the value up to its terminating zero.
func (a Attribute) String() string {
	text, _, _ := bytes.Cut(a.Value, []byte{0})
	return string(text)
}

// uint8 returns the first byte of the value, or 0 if there is none.
func (a Attribute) uint8() uint8 {
	if len(a.Value) == 0 {
		return 0
	}
	return a.Value[0]
}

// uint32 returns the value. ok is false if it is no number of 32 bits.
func (a Attribute) uint32() (v uint32, ok bool) {
	if len(a.Value) != 4 {
		return 0, false
	}
	return binary.NativeEndian.Uint32(a.Value), true
}
