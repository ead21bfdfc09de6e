package netlab

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A request is a netlink message that is being written. The socket that sends it
// fills in the sequence number.
type request struct{ b []byte }

// newRequest starts a message with the fixed part that kind prescribes, a struct
// without pointers.
func newRequest(kind, flags uint16, fixed any) *request {
	r := &request{make([]byte, messageHeader, 256)}
	binary.NativeEndian.PutUint16(r.b[4:], kind)
	binary.NativeEndian.PutUint16(r.b[6:], flags|unix.NLM_F_REQUEST)
	r.fixed(fixed)
	return r
}

// fixed appends a struct as it is laid out in memory.
func (r *request) fixed(v any) {
	b, err := binary.Append(r.b, binary.NativeEndian, v)
	if err != nil {
		return // v has no fixed size; the kernel refuses the short message
	}
	r.b = b
	r.pad()
}

func (r *request) pad() {
	for len(r.b) != aligned(len(r.b)) {
		r.b = append(r.b, 0)
	}
}

// bytes appends an attribute.
func (r *request) bytes(kind uint16, value []byte) {
	r.nest(kind, func() { r.b = append(r.b, value...) })
}

// string appends an attribute that ends with a zero.
func (r *request) string(kind uint16, s string) {
	r.bytes(kind, append([]byte(s), 0))
}

// uint32 appends an attribute.
func (r *request) uint32(kind uint16, v uint32) {
	r.bytes(kind, binary.NativeEndian.AppendUint32(nil, v))
}

// nest appends an attribute whose value is what fill appends.
func (r *request) nest(kind uint16, fill func()) {
	start := len(r.b)
	r.b = append(r.b, 0, 0, 0, 0)
	fill()
	binary.NativeEndian.PutUint16(r.b[start:], uint16(len(r.b)-start))
	binary.NativeEndian.PutUint16(r.b[start+2:], kind)
	r.pad()
}

// finish returns the whole message, with more flags.
func (r *request) finish(flags uint16, seq uint32) []byte {
	flags |= binary.NativeEndian.Uint16(r.b[6:])
	binary.NativeEndian.PutUint16(r.b[6:], flags)
	binary.NativeEndian.PutUint32(r.b, uint32(len(r.b)))
	binary.NativeEndian.PutUint32(r.b[8:], seq)
	return r.b
}
