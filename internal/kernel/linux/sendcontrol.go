//go:build linux

package linux

import (
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// controlSendSize is room for a packet info (40 bytes for IPv6), the size of a
// segment (24), a type of service (24) and a hop limit (24).
const controlSendSize = 112

// needsControl reports whether d is sent with control messages.
func (c *conn) needsControl(d *kernel.Datagram) bool {
	return d.From.IsValid() || d.Interface != 0 || d.TOS != 0 || d.TTL != 0 || c.drain.sourceless.Load()
}

// appendControls appends the control messages that d needs. On a dual-stack socket
// the destination decides the family: an IPv4 datagram takes the messages of IPv4,
// and the kernel refuses or ignores those of IPv6 (ip(7), ipv6(7)).
func (c *conn) appendControls(b []byte, d *kernel.Datagram) ([]byte, error) {
	if !c.needsControl(d) {
		return b, nil
	}
	if d.Interface < 0 {
		return nil, os.NewSyscallError("sendmsg", unix.EINVAL)
	}
	from, inet6 := d.From.Unmap(), c.sendsIPv6(d)
	if from.IsValid() && from.Is6() != inet6 {
		return nil, os.NewSyscallError("sendmsg", unix.EAFNOSUPPORT)
	}
	index, err := kernel.SourceIndex(from, d.Interface, func(zone string) (int, error) { return zoneIndex(c.fd, zone) })
	if err != nil {
		return nil, err
	}
	if inet6 {
		if !from.IsValid() && c.drain.sourceless.Load() {
			if from, err = c.drain.route.ask(c, d); err != nil {
				return nil, err
			}
		}
		if index != 0 || from.IsValid() {
			b = appendSource6(b, from, index)
		}
		if d.TOS != 0 {
			b = appendInt(b, unix.SOL_IPV6, unix.IPV6_TCLASS, int32(d.TOS))
		}
		if d.TTL != 0 {
			b = appendInt(b, unix.SOL_IPV6, unix.IPV6_HOPLIMIT, int32(d.TTL))
		}
		return b, nil
	}
	if index != 0 || from.IsValid() || c.drain.sourceless.Load() {
		b = appendSource4(b, from, index)
	}
	if d.TOS != 0 {
		b = appendInt(b, unix.SOL_IP, unix.IP_TOS, int32(d.TOS))
	}
	if d.TTL != 0 {
		b = appendInt(b, unix.SOL_IP, unix.IP_TTL, int32(d.TTL))
	}
	return b, nil
}

// sendsIPv6 reports whether d leaves as IPv6: by its destination, or by the
// peer of the socket.
func (c *conn) sendsIPv6(d *kernel.Datagram) bool {
	switch {
	case !c.inet6:
		return false
	case d.To.IsValid():
		return !d.To.Addr().Unmap().Is4()
	}
	return !c.peerIPv4.Load()
}

// appendSource6 appends the address and the interface to send from. A zero
// address leaves the choice to the system.
func appendSource6(b []byte, from netip.Addr, index int) []byte {
	info := unix.Inet6Pktinfo{Ifindex: uint32(index)}
	if from.IsValid() {
		info.Addr = from.As16()
	}
	return appendControl(b, unix.SOL_IPV6, unix.IPV6_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet6Pktinfo))
}

// appendSource4 is appendSource6 for IPv4. A socket that is connected to itself
// also sends with this message, so that the route chooses the source.
func appendSource4(b []byte, from netip.Addr, index int) []byte {
	info := unix.Inet4Pktinfo{Ifindex: int32(index)}
	if from.IsValid() {
		info.Spec_dst = from.As4()
	}
	return appendControl(b, unix.SOL_IP, unix.IP_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet4Pktinfo))
}

func appendInt(b []byte, level, kind int, value int32) []byte {
	return appendControl(b, level, kind, unsafe.Slice((*byte)(unsafe.Pointer(&value)), 4))
}

// appendControl appends one control message with its padding.
func appendControl(b []byte, level, kind int, data []byte) []byte {
	start := len(b)
	b = b[:start+unix.CmsgSpace(len(data))]
	clear(b[start:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[start]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[start+unix.CmsgLen(0):], data)
	return b
}
