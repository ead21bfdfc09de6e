package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A message is one netlink message without its header: the fixed part that its
// kind prescribes, then attributes.
type message struct {
	kind  uint16
	flags uint16
	seq   uint32
	body  []byte
}

// An attribute is a type and a value. Nesting and byte order flags are not part
// of kind.
type attribute struct {
	kind  uint16
	value []byte
}

const (
	messageHeader   = unix.SizeofNlMsghdr
	attributeHeader = unix.SizeofNlAttr
	attributeKind   = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
)

var errShort = errors.New("netlink: message is cut off")

// parseMessages splits what was read from a netlink socket. The bodies share the
// memory of b.
func parseMessages(b []byte) ([]message, error) {
	var all []message
	for len(b) > 0 {
		if len(b) < messageHeader {
			return all, errShort
		}
		size := binary.NativeEndian.Uint32(b)
		if size < messageHeader || uint64(size) > uint64(len(b)) {
			return all, errShort
		}
		all = append(all, message{
			kind:  binary.NativeEndian.Uint16(b[4:]),
			flags: binary.NativeEndian.Uint16(b[6:]),
			seq:   binary.NativeEndian.Uint32(b[8:]),
			body:  b[messageHeader:size:size],
		})
		b = b[min(aligned(int(size)), len(b)):]
	}
	return all, nil
}

// parseAttributes splits b, which starts with an attribute. The values share the
// memory of b.
func parseAttributes(b []byte) ([]attribute, error) {
	var all []attribute
	for len(b) > 0 {
		if len(b) < attributeHeader {
			return all, errShort
		}
		size := int(binary.NativeEndian.Uint16(b))
		if size < attributeHeader || size > len(b) {
			return all, errShort
		}
		all = append(all, attribute{
			kind:  binary.NativeEndian.Uint16(b[2:]) & attributeKind,
			value: b[attributeHeader:size:size],
		})
		b = b[min(aligned(size), len(b)):]
	}
	return all, nil
}

// attributes parses what follows the first fixed bytes of the body.
func (m message) attributes(fixed int) ([]attribute, error) {
	if len(m.body) < aligned(fixed) {
		return nil, errShort
	}
	return parseAttributes(m.body[aligned(fixed):])
}

// refused returns what an NLMSG_ERROR message says, which is nil if it is an
// acknowledgement. The kernel may explain the errno in words.
func (m message) refused() error {
	if len(m.body) < 4 {
		return errShort
	}
	errno := unix.Errno(-int32(binary.NativeEndian.Uint32(m.body)))
	if errno == 0 {
		return nil
	}
	if m.flags&unix.NLM_F_ACK_TLVS == 0 {
		return errno
	}
	told := 4 + messageHeader // the request, or only its header if capped
	if m.flags&unix.NLM_F_CAPPED == 0 && len(m.body) >= 8 {
		told = aligned(4 + int(min(binary.NativeEndian.Uint32(m.body[4:]), 1<<20)))
	}
	why, _ := m.attributes(told) // an explanation that cannot be read is none
	for _, a := range why {
		if a.kind == unix.NLMSGERR_ATTR_MSG {
			return fmt.Errorf("%w (%s)", errno, text(a.value))
		}
	}
	return errno
}

// text returns the string that b holds up to its terminating zero.
func text(b []byte) string { return unix.ByteSliceToString(b) }

// aligned rounds n up to the boundary on which messages and attributes start.
func aligned(n int) int { return (n + 3) &^ 3 }
