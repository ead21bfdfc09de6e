//go:build unix

package portable

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// controls makes the control messages that d needs.
func (c *conn) controls(d *kernel.Datagram, dst netip.Addr) (b []byte, err error) {
	if d.Interface < 0 {
		return nil, os.NewSyscallError("sendmsg", unix.EINVAL)
	}
	if d.From.IsValid() || d.Interface != 0 {
		if b, err = c.source(d, dst); err != nil {
			return nil, err
		}
	}
	if d.TOS == 0 && d.TTL == 0 {
		return b, nil
	}
	if !c.sendsIPv6(dst) {
		extras, err := extras4(d.TOS, d.TTL)
		return append(b, extras...), err
	}
	if d.TOS != 0 {
		b = append(b, control(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, native(int(d.TOS)))...)
	}
	if d.TTL != 0 {
		b = append(b, control(unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, native(int(d.TTL)))...)
	}
	return b, nil
}

// source makes the control message that says from which address and interface
// to send d (RFC 3542, section 6.2). IPv6's does for IPv4 on a dual-stack
// socket where IPv4's does not.
func (c *conn) source(d *kernel.Datagram, dst netip.Addr) ([]byte, error) {
	from, inet6 := d.From.Unmap(), c.sendsIPv6(dst)
	if from.IsValid() && from.Is6() != inet6 {
		return nil, os.NewSyscallError("sendmsg", unix.EAFNOSUPPORT)
	}
	index, err := kernel.SourceIndex(from, d.Interface, zoneIndex)
	if err != nil {
		return nil, err
	}
	if !inet6 {
		if sourceNeedsWildcard && from.IsValid() {
			local, err := c.getsockname()
			switch {
			case err != nil:
				return nil, err
			case local.Addr() == from && index == 0:
				return nil, nil // it leaves from there anyway
			case local.Addr() == from:
				from = netip.Addr{}
			case !local.Addr().IsUnspecified():
				return nil, os.NewSyscallError("sendmsg", unix.EADDRNOTAVAIL)
			}
		}
		if !c.inet6 || !mapsSource {
			return source4(from, index)
		}
	}
	data := make([]byte, 20)
	if from.IsValid() {
		a := from.As16()
		copy(data, a[:])
	}
	putInt(data[16:], index)
	return control(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, data), nil
}
