package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
)

// WriteBatch sends ms in order, as golang.org/x/net/ipv4.PacketConn.WriteBatch
// does, and returns how many were sent. It stops at the first that fails: the error
// is returned if it is that of ms[0], and by the next call otherwise. The Addr of a
// message is a *net.UDPAddr, or nil for the peer. Messages of one destination and
// size that follow each other are sent as one burst. Flags other than 0 are
// errors.ErrUnsupported.
func (v *PacketConn) WriteBatch(ms []ipv4.Message, flags int) (int, error) {
	if err := v.ready("write"); err != nil {
		return 0, err
	}
	if flags != 0 {
		return 0, v.opError("write", "sendmmsg", netip.AddrPort{}, errors.ErrUnsupported)
	}
	var err error
	sent := 0
	for sent < len(ms) && err == nil {
		var n int
		if !isPlain(&ms[sent]) {
			n, err = v.writeMessage(&ms[sent])
		} else {
			n, err = v.writePlain(ms[sent:])
		}
		sent += n
	}
	if sent > 0 {
		err = nil
	}
	return sent, err
}

// isPlain reports whether a message is one buffer without control messages.
func isPlain(m *ipv4.Message) bool { return len(m.OOB) == 0 && len(m.Buffers) == 1 }

// writeMessage sends a message that is not plain.
func (v *PacketConn) writeMessage(m *ipv4.Message) (int, error) {
	to, err := v.messageAddr(m)
	if err == nil {
		m.N, m.NN, err = v.writeMsg("sendmmsg", m.Buffers, m.OOB, to)
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// writePlain sends the plain messages that ms begins with.
func (v *PacketConn) writePlain(ms []ipv4.Message) (sent int, err error) {
	b := batches.Get().(*[]kernel.Datagram)
	defer putBatch(b)
	stop := v.write.done()
	if isClosed(stop) {
		return 0, v.opError("write", "sendmmsg", netip.AddrPort{}, os.ErrDeadlineExceeded)
	}
	bad := v.collect(b, ms)
	list := *b
	sent = len(list)
	v.s.sender.sendAll(v.conn, list,
		func(i int) error { return v.s.sender.sendQueued(v.conn, &list[i], nil, stop) },
		func(int) {},
		func(i int, failed error) bool {
			if errors.Is(failed, kernel.ErrStopped) {
				failed = os.ErrDeadlineExceeded
			}
			sent, bad = i, v.opError("write", "sendmmsg", list[i].To, failed)
			return false
		})
	for i := range sent {
		ms[i].N, ms[i].NN = list[i].Len(), 0
	}
	return sent, bad
}

// collect appends the plain messages that ms begins with to b, up to one that may
// not go out.
func (v *PacketConn) collect(b *[]kernel.Datagram, ms []ipv4.Message) error {
	ep := v.s.endpoint.Load()
	for i := range ms {
		m := &ms[i]
		if !isPlain(m) || len(*b) == maxBatch {
			break
		}
		to, err := v.messageAddr(m)
		if err != nil {
			return err
		}
		r := v.route(ep, to, nil)
		d := kernel.Datagram{Data: m.Buffers[0], To: to, From: r.from, Interface: r.index, AnySource: r.anySource}
		if err := v.check(ep, to, len(d.Data), 1, nil); err != nil {
			return v.opError("write", "sendmmsg", to, err)
		}
		*b = append(*b, d)
	}
	return nil
}

// messageAddr returns the destination of a message.
func (v *PacketConn) messageAddr(m *ipv4.Message) (to netip.AddrPort, err error) {
	switch addr := m.Addr.(type) {
	case nil:
		return to, nil
	case *net.UDPAddr:
		to, err = v.addrPort(addr)
	default:
		err = ErrAddressFamily
	}
	if err != nil {
		err = v.opError("write", "sendmmsg", to, err)
	}
	return unmap(to), err
}
