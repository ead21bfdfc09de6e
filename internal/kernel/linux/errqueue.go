//go:build linux

package linux

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// NextRefusal takes one report from the error queue (IP_RECVERR, ip(7)). The
// queue also has errors of our own host, such as EMSGSIZE; a send has returned
// those already.
func (c *conn) NextRefusal() (r kernel.Refusal, ok bool) {
	_ = c.raw.Control(func(fd uintptr) {
		for !ok {
			var name rawName
			var payload [1]byte
			var control [512 / 8]uint64
			iov := unix.Iovec{Base: &payload[0]}
			iov.SetLen(len(payload))
			hdr := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: sizeofName, Iov: &iov, Control: (*byte)(unsafe.Pointer(&control))}
			hdr.SetIovlen(1)
			hdr.SetControllen(len(control) * 8)
			_, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&hdr)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if errno == unix.EINTR {
				continue
			}
			if errno != 0 {
				return
			}
			oob := unsafe.Slice((*byte)(unsafe.Pointer(&control)), len(control)*8)[:hdr.Controllen]
			if r.Errno, ok = refusal(oob); ok {
				r.To = decode(fd, &name, new(zoneCache))
			}
		}
	})
	return r, ok
}

// refusal finds a struct sock_extended_err that came by ICMP.
func refusal(b []byte) (syscall.Errno, bool) {
	for len(b) >= unix.SizeofCmsghdr {
		n, level, kind := controlHeader(b)
		if n < unix.SizeofCmsghdr || n > len(b) {
			break
		}
		data := b[min(unix.CmsgLen(0), n):n]
		if level == unix.SOL_IP && kind == unix.IP_RECVERR || level == unix.SOL_IPV6 && kind == unix.IPV6_RECVERR {
			if len(data) >= 5 && (data[4] == unix.SO_EE_ORIGIN_ICMP || data[4] == unix.SO_EE_ORIGIN_ICMP6) {
				return syscall.Errno(binary.NativeEndian.Uint32(data)), true
			}
		}
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	return 0, false
}
