package udp

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
)

// The view reads straight into the caller's memory: no channel, no copy.

// ReadFrom reads one datagram.
func (v *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, kernel.UDPAddr(from), nil
}

// Read reads one datagram. With an empty b it reads none, as net.UDPConn does.
func (v *PacketConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, v.ready("read")
	}
	n, _, _, _, err := v.readMsg("read", b, nil)
	return n, err
}

// ReadFromUDP is [PacketConn.ReadFrom] with a *net.UDPAddr.
func (v *PacketConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := v.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, kernel.UDPAddr(from), nil
}

// ReadFromUDPAddrPort is [PacketConn.ReadFrom] without an allocation.
func (v *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, _, _, from, err := v.readMsg("recvfrom", b, nil)
	return n, from, err
}

// ReadFromAddrPort is [PacketConn.ReadFromUDPAddrPort].
func (v *PacketConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return v.ReadFromUDPAddrPort(b)
}

// ReadMsgUDP reads one datagram into b and its control messages into oob.
func (v *PacketConn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, from, err := v.ReadMsgUDPAddrPort(b, oob)
	if err == nil {
		addr = kernel.UDPAddr(from)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is [PacketConn.ReadMsgUDP] without an allocation.
func (v *PacketConn) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	return v.readMsg("recvmsg", b, oob)
}

// readMsg reads one datagram that the block list lets in. The call is net's name
// for the system call.
func (v *PacketConn) readMsg(call string, b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	if err := v.beginRead(); err != nil {
		return 0, 0, 0, from, err
	}
	defer v.reading.unlock()
	for {
		n, oobn, flags, err = v.conn.ReadMsg(b, oob, &v.packet)
		if err != nil {
			if err = v.readError(call, err); err != nil {
				return 0, 0, 0, from, err
			}
			continue
		}
		v.errs = readBackoff{}
		if !v.admit(v.packet.From) {
			continue
		}
		if v.answers {
			v.asked.note(&v.packet)
		}
		v.count(&n, &flags)
		return n, oobn, flags, v.packet.From, nil
	}
}

// ReadBatch reads what is there, at least one datagram, as
// golang.org/x/net/ipv4.PacketConn.ReadBatch does.
func (v *PacketConn) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	if err := v.beginRead(); err != nil {
		return 0, err
	}
	defer v.reading.unlock()
	for {
		n, err := v.conn.ReadMsgs(ms, flags)
		if err != nil {
			if err = v.readError("recvmmsg", err); err != nil {
				return 0, err
			}
			continue
		}
		v.errs = readBackoff{}
		kept := v.compact(ms[:n])
		if kept > 0 || n == 0 {
			return kept, nil
		}
	}
}

// compact counts what was read and closes the gaps that the block list leaves.
func (v *PacketConn) compact(ms []ipv4.Message) (kept int) {
	for i := range ms {
		from, _ := ms[i].Addr.(*net.UDPAddr)
		if v.s.cfg.receiveBlock != nil && from != nil && !v.admit(from.AddrPort()) {
			continue
		}
		if kept != i {
			copyMessage(&ms[kept], &ms[i])
		}
		v.count(&ms[kept].N, &ms[kept].Flags)
		kept++
	}
	return kept
}

// copyMessage copies the content of a message, not its buffers: the caller knows
// those by their index.
func copyMessage(to, from *ipv4.Message) {
	left, room := from.N, to.Buffers
	var b []byte
	to.N, to.Flags, to.Addr = 0, from.Flags, from.Addr
	for _, data := range from.Buffers {
		data = data[:min(left, len(data))]
		left -= len(data)
		for len(data) > 0 {
			for len(b) == 0 && len(room) > 0 {
				b, room = room[0], room[1:]
			}
			n := copy(b, data)
			if n == 0 {
				to.Flags |= host.MsgTrunc
				break
			}
			b, data, to.N = b[n:], data[n:], to.N+n
		}
	}
	to.NN = copy(to.OOB, from.OOB[:from.NN])
}

// count counts a datagram of n bytes, and cuts it off where the socket was told
// to.
func (v *PacketConn) count(n, flags *int) {
	if limit := int(v.s.cfg.maxDatagram); *n > limit {
		*n = limit
		*flags |= host.MsgTrunc
	}
	if *flags&host.MsgTrunc != 0 {
		v.s.count.truncated.Add(1)
	}
	v.s.count.view(*n)
}

// beginRead claims the stream and locks reading.
func (v *PacketConn) beginRead() error {
	if err := v.ready("read"); err != nil {
		return err
	}
	if v.s.cfg.readers > 1 {
		return v.opError("read", "read", netip.AddrPort{}, errors.ErrUnsupported)
	}
	if v.s.streamEnded() {
		return v.opError("read", "read", netip.AddrPort{}, v.s.receiveError())
	}
	if !v.claim() {
		return v.opError("read", "read", netip.AddrPort{}, ErrReading)
	}
	v.reading.lock(nil, nil)
	return nil
}

// admit counts what the block list keeps out.
func (v *PacketConn) admit(from netip.AddrPort) bool {
	if blocks(v.s.cfg.receiveBlock, from.Addr().Unmap()) {
		v.s.count.droppedBlocked.Add(1)
		return false
	}
	return true
}

// readError shapes an error as net does. The deadline that ends a read may be
// the end of the socket. Without an error the read goes on.
func (v *PacketConn) readError(call string, err error) error {
	switch {
	case v.s.ending():
		err = v.s.endError()
	case errors.Is(err, kernel.ErrDrained):
		err = ErrDrained
	case err == kernel.ErrPending:
		return v.opError("read", call, netip.AddrPort{}, v.icmpError(err))
	case isSocketGone(err):
		v.s.shutdown(v.s.opError("read", netip.AddrPort{}, err))
	}
	return v.opError("read", call, netip.AddrPort{}, err)
}

// icmpError reports what the network says about earlier datagrams: on Errors, but
// for the first that concerns the peer of a connected socket, which ends the read.
// Servers end with an error that they read, and need not.
func (v *PacketConn) icmpError(err error) error {
	var first error
	for _, e := range v.s.takeICMPErrors(v.conn, err) {
		if first == nil && v.RemoteAddr() != nil {
			first = e
		} else {
			v.s.report(e)
		}
	}
	return first
}
