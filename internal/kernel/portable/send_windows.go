//go:build windows

package portable

import (
	"encoding/binary"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/windows"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

// Send hands d to the kernel. It waits where the kernel's buffer is full.
func (c *conn) Send(d *kernel.Datagram, oob []byte) error {
	to := d.To
	if !to.IsValid() {
		p := c.peer.Load()
		if p == nil {
			return system(os.NewSyscallError("wsasendmsg", windows.WSAENOTCONN))
		}
		to = *p
	}
	if v4 := to.Addr().Unmap().Is4(); !v4 && !c.inet6 || v4 && !c.speaksIPv4() ||
		d.From.IsValid() && v4 != d.From.Unmap().Is4() {
		return system(os.NewSyscallError("wsasendmsg", windows.WSAEAFNOSUPPORT))
	}
	if zone := to.Addr().Zone(); zone != "" {
		index, err := zoneIndex(zone)
		if err != nil {
			return err
		}
		to = netip.AddrPortFrom(to.Addr().WithZone(strconv.Itoa(index)), to.Port())
	}
	switch {
	case len(oob) > 0:
	case d.Interface < 0:
		return system(os.NewSyscallError("wsasendmsg", windows.WSAEINVAL))
	case d.TOS != 0 || d.TTL != 0:
		return unsupported("TOS or TTL of one datagram")
	case d.From.IsValid() || d.Interface != 0:
		var err error
		if oob, err = c.source(d.From.Unmap(), d.Interface, to.Addr()); err != nil {
			return err
		}
	}
	data := d.Data
	if len(d.More) > 0 {
		if d.Len() > slab.Size {
			return system(os.NewSyscallError("wsasendmsg", windows.WSAEMSGSIZE))
		}
		block := slab.Take()
		defer slab.Return(block)
		data = append(block.Bytes()[:0], data...)
		for _, part := range d.More {
			data = append(data, part...)
		}
	}
	c.writes.Add(1)
	_, _, err := c.udp.WriteMsgUDPAddrPort(data, oob, to)
	return xnetError(err)
}

// sendWhenReady is Send, which ends at the write deadline.
func (c *conn) sendWhenReady(d *kernel.Datagram, oob []byte) error { return c.Send(d, oob) }

// source makes the control message that says from which address and interface
// to send.
func (c *conn) source(from netip.Addr, index int, to netip.Addr) ([]byte, error) {
	index, err := kernel.SourceIndex(from, index, zoneIndex)
	if err != nil {
		return nil, err
	}
	if !c.inet6 || to.Is4() {
		if from.Is6() {
			return nil, system(os.NewSyscallError("wsasendmsg", windows.WSAEAFNOSUPPORT))
		}
		data := make([]byte, 8)
		if from.Is4() {
			a := from.As4()
			copy(data, a[:])
		}
		binary.NativeEndian.PutUint32(data[4:], uint32(index))
		return control(windows.IPPROTO_IP, windows.IP_PKTINFO, data), nil
	}
	data := make([]byte, 20)
	if from.IsValid() {
		a := from.As16()
		copy(data, a[:])
	}
	binary.NativeEndian.PutUint32(data[16:], uint32(index))
	return control(windows.IPPROTO_IPV6, windows.IPV6_PKTINFO, data), nil
}
