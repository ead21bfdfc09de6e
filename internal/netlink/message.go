package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"example.com/dgram/internal/posix"
)

// A Message is one netlink message. Data is what follows the header: the fixed
// part that Type prescribes, then attributes.
type Message struct {
	Type  uint16
	Flags uint16
	Seq   uint32
	Data  []byte
}

// headerSize is the size of struct nlmsghdr.
const headerSize = 16

var errShort = errors.New("netlink: message is cut off")

// ParseMessages splits one datagram of a netlink socket. The messages share the
// memory of b. An error comes with the messages before it.
func ParseMessages(b []byte) ([]Message, error) {
	var all []Message
	for len(b) > 0 {
		if len(b) < headerSize {
			return all, errShort
		}
		size := binary.NativeEndian.Uint32(b)
		if size < headerSize || uint64(size) > uint64(len(b)) {
			return all, errShort
		}
		all = append(all, Message{
			Type:  binary.NativeEndian.Uint16(b[4:]),
			Flags: binary.NativeEndian.Uint16(b[6:]),
			Seq:   binary.NativeEndian.Uint32(b[8:]),
			Data:  b[headerSize:size:size],
		})
		b = b[min(aligned(int(size)), len(b)):]
	}
	return all, nil
}

// Attributes parses what follows the fixed part of a message, given its size.
func (m Message) Attributes(fixed int) ([]Attribute, error) {
	if len(m.Data) < aligned(fixed) {
		return nil, errShort
	}
	return ParseAttributes(m.Data[aligned(fixed):])
}

// isLast reports whether the answer to a request ends with m.
func (m Message) isLast() bool { return m.Type == typeError || m.Type == typeDone }

// Err returns the error in the last message of an answer, or nil if it is an
// acknowledgement. The error wraps an errno; the kernel may have added a reason.
func (m Message) Err() error {
	if len(m.Data) < 4 {
		return errShort
	}
	errno := posix.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
	if errno == 0 {
		return nil
	}
	if reason := m.reason(); reason != "" {
		return fmt.Errorf("%w (%s)", errno, reason)
	}
	return errno
}

// reason returns the kernel's words for an error. In an NLMSG_ERROR they come after
// the request, or after its header alone if the kernel capped it.
func (m Message) reason() string {
	if m.Flags&flagACKTLVs == 0 {
		return ""
	}
	fixed := 4
	switch {
	case m.Type == typeError && m.Flags&flagCapped == 0 && len(m.Data) >= 8:
		fixed += int(min(binary.NativeEndian.Uint32(m.Data[4:]), 1<<20))
	case m.Type == typeError:
		fixed += headerSize
	}
	all, _ := m.Attributes(fixed) // a reason that cannot be parsed is left out
	for _, a := range all {
		if a.Type == errorMessage {
			return a.String()
		}
	}
	return ""
}

// aligned rounds n up to the boundary on which messages and attributes start.
func aligned(n int) int { return (n + 3) &^ 3 }
