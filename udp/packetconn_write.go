package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// The view sends as Send and SendTo do, but for its deadline.

func (v *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		err := v.s.opError("write", netip.AddrPort{}, syscall.EINVAL)
		if shaped, ok := err.(*net.OpError); ok {
			shaped.Addr = addr
		}
		return 0, err
	}
	if to == nil {
		return v.WriteToUDPAddrPort(b, netip.AddrPort{})
	}
	a, err := v.addrPort(to)
	if err != nil {
		return 0, v.s.opError("write", a, err)
	}
	return v.WriteToUDPAddrPort(b, a)
}

func (v *PacketConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) { return v.WriteTo(b, addr) }

// addrPort is addr as package netip has it. No address at all is this host, as
// for net.
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

func (v *PacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if to == (netip.AddrPort{}) && v.ready("write") == nil && v.RemoteAddr() != nil {
		return 0, v.s.opError("write", to, ErrAlreadyConnected)
	}
	n, _, err := v.WriteMsgUDPAddrPort(b, nil, to)
	return n, err
}

func (v *PacketConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return v.WriteToUDPAddrPort(b, to)
}

// Write sends to the peer.
func (v *PacketConn) Write(b []byte) (int, error) {
	n, _, err := v.WriteMsgUDPAddrPort(b, nil, netip.AddrPort{})
	return n, err
}

func (v *PacketConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		return v.WriteMsgUDPAddrPort(b, oob, netip.AddrPort{})
	}
	to, err := v.addrPort(addr)
	if err != nil {
		return 0, 0, v.s.opError("write", to, err)
	}
	return v.WriteMsgUDPAddrPort(b, oob, to)
}

// WriteMsgUDPAddrPort sends b with the control messages in oob. Without a
// destination it goes to the peer.
func (v *PacketConn) WriteMsgUDPAddrPort(b, oob []byte, to netip.AddrPort) (n, oobn int, err error) {
	if err := v.ready("write"); err != nil {
		return 0, 0, err
	}
	to = unmap(to)
	ep := v.s.endpoint.Load()
	size := len(b)
	if len(oob) > 0 {
		size = 0 // with UDP_SEGMENT it is several datagrams, which the kernel checks
	}
	if err := ep.check(to, netip.Addr{}, size, 1); err != nil {
		return 0, 0, v.s.opError("write", to, err)
	}
	stop := v.write.done()
	if isClosed(stop) {
		return 0, 0, v.s.opError("write", ep.target(to), os.ErrDeadlineExceeded)
	}
	if len(oob) > 0 || v.s.sender.waiting.Load() > 0 {
		err = v.sendSlow(b, oob, to, stop, nil)
	} else if err = v.conn.SendTo(b, to); err != nil {
		err = v.sendSlow(b, oob, to, stop, err)
	}
	if err != nil {
		if errors.Is(err, kernel.ErrStopped) {
			err = os.ErrDeadlineExceeded
		}
		return 0, 0, v.s.opError("write", ep.target(to), err)
	}
	v.s.count.send(v.conn.Datagrams(len(b), oob), len(b))
	return len(b), len(oob), nil
}

// sendSlow sends a datagram that has control messages, has to wait, or failed at
// once with err.
func (v *PacketConn) sendSlow(b, oob []byte, to netip.AddrPort, stop <-chan struct{}, err error) error {
	o := v.s.sender.getOutgoing()
	defer v.s.sender.putOutgoing(o)
	o.pack(route{to: to}, [][]byte{b})
	return v.s.sender.sendOrWait(v.conn, &o.d, oob, err, stop)
}
