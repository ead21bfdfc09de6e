package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/posix"
)

// The view sends as Send and SendTo do, but for its deadline.

// WriteTo sends b to addr, a *net.UDPAddr, from the address that addr last sent to.
func (v *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		err := v.opError("write", "sendto", netip.AddrPort{}, posix.EINVAL)
		if shaped, ok := errors.AsType[*net.OpError](err); ok {
			shaped.Addr = addr
		}
		return 0, err
	}
	return v.WriteToUDP(b, to)
}

// WriteToUDP is [PacketConn.WriteTo].
func (v *PacketConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) {
	if addr == nil {
		return v.WriteToUDPAddrPort(b, netip.AddrPort{})
	}
	to, err := v.addrPort(addr)
	if err != nil {
		return 0, v.opError("write", "sendto", to, err)
	}
	return v.WriteToUDPAddrPort(b, to)
}

// WriteToUDPAddrPort is [PacketConn.WriteTo] without an allocation.
func (v *PacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if to == (netip.AddrPort{}) && v.ready("write") == nil && v.RemoteAddr() != nil {
		return 0, v.opError("write", "sendto", to, errWriteToConnected)
	}
	n, _, err := v.writeMsg("sendto", [][]byte{b}, nil, to)
	return n, err
}

// WriteToAddrPort is [PacketConn.WriteToUDPAddrPort].
func (v *PacketConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return v.WriteToUDPAddrPort(b, to)
}

// Write sends b to the peer.
func (v *PacketConn) Write(b []byte) (int, error) {
	n, _, err := v.writeMsg("write", [][]byte{b}, nil, netip.AddrPort{})
	return n, err
}

// WriteMsgUDP sends b with the control messages in oob. With a nil addr it goes to
// the peer.
func (v *PacketConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		return v.writeMsg("sendmsg", [][]byte{b}, oob, netip.AddrPort{})
	}
	to, err := v.addrPort(addr)
	if err != nil {
		return 0, 0, v.opError("write", "sendmsg", to, err)
	}
	return v.writeMsg("sendmsg", [][]byte{b}, oob, to)
}

// WriteMsgUDPAddrPort is [PacketConn.WriteMsgUDP] without an allocation.
func (v *PacketConn) WriteMsgUDPAddrPort(b, oob []byte, to netip.AddrPort) (n, oobn int, err error) {
	return v.writeMsg("sendmsg", [][]byte{b}, oob, to)
}

// addrPort returns addr as package netip has it. Without an IP it is this host, as
// for package net.
func (v *PacketConn) addrPort(addr *net.UDPAddr) (netip.AddrPort, error) {
	to := addr.AddrPort()
	switch {
	case addr.Port < 0 || addr.Port > 65535:
		return to, ErrBadPort
	case len(addr.IP) > 0:
		return to, nil
	case v.s.Network() == "udp4":
		return netip.AddrPortFrom(netip.IPv4Unspecified(), to.Port()), nil
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), to.Port()), nil
}

// writeMsg sends one datagram, the parts in a row, with the control messages in oob. Without a destination it goes
// to the peer. The call is net's name for the system call.
func (v *PacketConn) writeMsg(call string, parts [][]byte, oob []byte, to netip.AddrPort) (n, oobn int, err error) {
	to = unmap(to)
	if err := v.readyTo("write", to); err != nil {
		return 0, 0, err
	}
	ep := v.s.endpoint.Load()
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	if err := v.check(ep, to, size, len(parts), oob); err != nil {
		return 0, 0, v.opError("write", call, to, err)
	}
	stop := v.write.done()
	if isClosed(stop) {
		return 0, 0, v.opError("write", call, to, os.ErrDeadlineExceeded)
	}
	r := v.route(ep, to, oob)
	if len(parts) != 1 || len(oob) > 0 || r.from.IsValid() || v.s.sender.waiting.Load() > 0 {
		err = v.sendSlow(parts, oob, r, stop, nil)
	} else if err = v.conn.SendTo(parts[0], to); err != nil {
		err = v.sendSlow(parts, oob, r, stop, err)
	}
	if err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			err = os.ErrDeadlineExceeded
		}
		return 0, 0, v.opError("write", call, to, err)
	}
	v.s.count.send(v.conn.Datagrams(size, oob), size)
	return size, len(oob), nil
}

// check returns why a datagram may not go out.
func (v *PacketConn) check(ep *endpoint, to netip.AddrPort, size, parts int, oob []byte) error {
	if len(oob) > 0 {
		size = 0 // with UDP_SEGMENT it is several datagrams, which the kernel checks
	}
	err := ep.check(to, netip.Addr{}, size, parts)
	if err == ErrAlreadyConnected {
		return errWriteToConnected
	}
	return err
}

// route returns how a datagram leaves: from the address that its destination last
// sent to, unless control messages say more.
func (v *PacketConn) route(ep *endpoint, to netip.AddrPort, oob []byte) route {
	r := route{to: to}
	if v.answers && len(oob) == 0 && !ep.peer.IsValid() {
		a := v.asked.of(to)
		r.from, r.index, r.anySource = a.addr, a.index, true
	}
	if len(oob) == 0 {
		r.from = v.s.source(to, r.from)
	}
	return r
}

// sendSlow sends a datagram that has control messages or a source, has to wait, or
// failed at once with err.
func (v *PacketConn) sendSlow(parts [][]byte, oob []byte, r route, stop <-chan struct{}, err error) error {
	o := v.s.sender.getOutgoing()
	defer v.s.sender.putOutgoing(o)
	o.pack(r, parts)
	return v.s.sender.sendOrWait(v.conn, &o.d, oob, err, stop)
}
