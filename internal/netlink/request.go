package netlink

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A Request is a message to the kernel that is being written. Errors of its
// methods are returned by Encode.
type Request struct {
	b   []byte
	err error
}

// NewRequest starts a request with the fixed part that its type prescribes: a
// struct without pointers, such as [LinkHeader].
func NewRequest(typ, flags uint16, fixed any) *Request {
	r := &Request{b: make([]byte, headerSize, 256)}
	binary.NativeEndian.PutUint16(r.b[4:], typ)
	binary.NativeEndian.PutUint16(r.b[6:], flags|flagRequest)
	r.Fixed(fixed)
	return r
}

// Fixed appends a struct as the kernel lays it out in memory.
func (r *Request) Fixed(v any) {
	b, err := binary.Append(r.b, binary.NativeEndian, v)
	if err != nil {
		r.fail(err)
		return
	}
	r.b = b
	r.pad()
}

// Bytes appends an attribute.
func (r *Request) Bytes(typ uint16, value []byte) {
	r.Nest(typ, func() { r.b = append(r.b, value...) })
}

// String appends an attribute that ends with a zero.
func (r *Request) String(typ uint16, s string) {
	r.Bytes(typ, append([]byte(s), 0))
}

// Uint32 appends an attribute.
func (r *Request) Uint32(typ uint16, v uint32) {
	r.Bytes(typ, binary.NativeEndian.AppendUint32(nil, v))
}

// Nest appends an attribute whose value is what fill appends.
func (r *Request) Nest(typ uint16, fill func()) {
	start := len(r.b)
	r.b = append(r.b, 0, 0, 0, 0)
	fill()
	size := len(r.b) - start
	if size > math.MaxUint16 {
		r.fail(fmt.Errorf("netlink: attribute %d has %d bytes, more than %d", typ, size, math.MaxUint16))
	}
	binary.NativeEndian.PutUint16(r.b[start:], uint16(size))
	binary.NativeEndian.PutUint16(r.b[start+2:], typ)
	r.pad()
}

// Encode returns the whole message, with more flags. It can be called again.
func (r *Request) Encode(flags uint16, seq uint32) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	b := append([]byte(nil), r.b...)
	flags |= binary.NativeEndian.Uint16(b[6:])
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[6:], flags)
	binary.NativeEndian.PutUint32(b[8:], seq)
	return b, nil
}

func (r *Request) pad() {
	for len(r.b) != aligned(len(r.b)) {
		r.b = append(r.b, 0)
	}
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
