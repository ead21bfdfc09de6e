package netlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// An ICMPError is a report about a UDP datagram. The datagram need not have been
// sent: the receiver of the report cannot know.
type ICMPError struct {
	Type, Code uint8
	Info       uint32         // bytes 4 to 8: the MTU, a pointer, a gateway
	From, To   netip.AddrPort // of the datagram; both IPv4, or both IPv6
}

// Packet returns the ICMP message, with the beginning of the datagram. The
// checksum of ICMPv6 is the kernel's to write.
func (e ICMPError) Packet() []byte {
	const udpHeader, udpProtocol, payload = 8, 17, 4
	b := []byte{e.Type, e.Code, 0, 0}
	b = binary.BigEndian.AppendUint32(b, e.Info)
	from, to := e.From.Addr().AsSlice(), e.To.Addr().AsSlice()
	if e.From.Addr().Is4() {
		ip := []byte{0x45, 0, 0, 20 + udpHeader + payload, 0, 0, 0x40, 0, 64, udpProtocol, 0, 0}
		ip = append(append(ip, from...), to...)
		binary.BigEndian.PutUint16(ip[10:], ^fold(onesSum(0, ip)))
		b = append(b, ip...)
	} else {
		b = append(b, 0x60, 0, 0, 0, 0, udpHeader+payload, udpProtocol, 64)
		b = append(append(b, from...), to...)
	}
	b = binary.BigEndian.AppendUint16(b, e.From.Port())
	b = binary.BigEndian.AppendUint16(b, e.To.Port())
	b = append(b, 0, udpHeader+payload, 0, 0)
	b = append(b, make([]byte, payload)...)
	if e.From.Addr().Is4() {
		binary.BigEndian.PutUint16(b[2:], ^fold(onesSum(0, b)))
	}
	return b
}

// An ICMPForger sends ICMP errors from a host, to that host or to others.
type ICMPForger struct {
	conn  net.PacketConn
	batch interface {
		WriteBatch(ms []ipv4.Message, flags int) (int, error)
	}
}

// ForgeICMP opens an ICMPForger for IPv4 ("udp4") or IPv6 ("udp6").
func (h *Host) ForgeICMP(network string) (*ICMPForger, error) {
	f := new(ICMPForger)
	err := h.Do(func() (err error) {
		if network == "udp4" {
			if f.conn, err = net.ListenPacket("ip4:icmp", "0.0.0.0"); err == nil {
				f.batch = ipv4.NewPacketConn(f.conn)
			}
			return err
		}
		if f.conn, err = net.ListenPacket("ip6:ipv6-icmp", "::"); err == nil {
			f.batch = ipv6.NewPacketConn(f.conn)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: forge ICMP: %w", h, err)
	}
	if c, ok := f.conn.(*net.IPConn); ok {
		_ = c.SetReadBuffer(1) // the socket receives copies of what it sends
	}
	return f, nil
}

// Send sends e to the sender of the datagram.
func (f *ICMPForger) Send(e ICMPError) error {
	_, err := f.conn.WriteTo(e.Packet(), &net.IPAddr{IP: e.From.Addr().AsSlice()})
	return err
}

// Flood sends the errors, in a row and again, until stop is closed, and returns how
// many it has sent.
func (f *ICMPForger) Flood(stop <-chan struct{}, errs ...ICMPError) (sent int, err error) {
	ms := make([]ipv4.Message, max(len(errs), 64))
	for i := range ms {
		e := errs[i%len(errs)]
		ms[i] = ipv4.Message{Buffers: [][]byte{e.Packet()}, Addr: &net.IPAddr{IP: e.From.Addr().AsSlice()}}
	}
	for {
		select {
		case <-stop:
			return sent, nil
		default:
		}
		n, err := f.batch.WriteBatch(ms, 0)
		if sent += n; err != nil {
			return sent, err
		}
	}
}

// Close closes the forger.
func (f *ICMPForger) Close() error { return f.conn.Close() }
