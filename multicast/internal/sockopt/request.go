//go:build linux || windows

package sockopt

import (
	"encoding/binary"
	"net/netip"
)

const sizeofStorage = 128 // struct sockaddr_storage

// groupRequest is struct group_req or, with a source, struct group_source_req
// (RFC 3678, section 5.1): an index and socket addresses, aligned.
func groupRequest(m Member) []byte {
	b := make([]byte, storageAlign, storageAlign+2*sizeofStorage)
	binary.NativeEndian.PutUint32(b, uint32(m.Interface))
	b = appendStorage(b, m.Group)
	if m.Source.IsValid() {
		b = appendStorage(b, m.Source)
	}
	return b
}

// appendStorage appends an address as a struct sockaddr_storage. Family, port
// and IPv6's flow label come before it.
func appendStorage(b []byte, a netip.Addr) []byte {
	start := len(b)
	b = append(b, make([]byte, sizeofStorage)...)
	if a.Is4() {
		binary.NativeEndian.PutUint16(b[start:], familyIPv4)
		copy(b[start+4:], a.AsSlice())
		return b
	}
	binary.NativeEndian.PutUint16(b[start:], familyIPv6)
	copy(b[start+8:], a.AsSlice())
	return b
}
