package udp

import (
	"fmt"
	"net/netip"

	"example.com/dgram/internal/kernel"
)

// SetBroadcast allows or forbids sending to broadcast addresses. It is
// forbidden at first: syscall.EACCES.
//
// This and the other properties are those of a bound socket: before that they
// are [ErrNotBound], and the options of New stand in for them. A value out of
// range is syscall.EINVAL.
func (s *Socket) SetBroadcast(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return s.setOption(kernel.Broadcast, "broadcast", value, 0, 1)
}

// Broadcast reports whether the socket may send to broadcast addresses.
func (s *Socket) Broadcast() (bool, error) {
	on, err := s.option(kernel.Broadcast)
	return on != 0, err
}

// SetTTL sets the hop limit of unicast datagrams, 1 to 255. That of multicast
// is another: see package multicast.
func (s *Socket) SetTTL(hops int) error {
	return s.setOption(kernel.TTL, "TTL", hops, 1, 255)
}

// TTL returns the hop limit of unicast datagrams.
func (s *Socket) TTL() (int, error) { return s.option(kernel.TTL) }

// SetTOS sets the type of service (IPv6: traffic class) of what is sent, 0 to
// 255: DSCP<<2 | ECN.
func (s *Socket) SetTOS(tos int) error {
	return s.setOption(kernel.TOS, "TOS", tos, 0, 255)
}

// TOS returns the type of service (IPv6: traffic class) of what is sent.
func (s *Socket) TOS() (int, error) { return s.option(kernel.TOS) }

// SetReadBuffer sets the size of the kernel's receive buffer in bytes
// (SO_RCVBUF). Linux silently grants no more than the sysctl
// net.core.rmem_max; ReadBuffer tells.
func (s *Socket) SetReadBuffer(bytes int) error {
	return s.setOption(kernel.ReadBuffer, "read buffer", bytes, 1, maxBuffer)
}

// ReadBuffer returns the size of the kernel's receive buffer in bytes, as it was
// granted: where SetReadBuffer(n) was granted, it is n. (Linux reports the
// double.) A datagram takes more of it than its payload.
func (s *Socket) ReadBuffer() (int, error) { return s.option(kernel.ReadBuffer) }

// SetWriteBuffer sets the size of the kernel's send buffer in bytes
// (SO_SNDBUF). Linux silently grants no more than net.core.wmem_max.
func (s *Socket) SetWriteBuffer(bytes int) error {
	return s.setOption(kernel.WriteBuffer, "write buffer", bytes, 1, maxBuffer)
}

// WriteBuffer returns the size of the kernel's send buffer in bytes, as it was
// granted.
func (s *Socket) WriteBuffer() (int, error) { return s.option(kernel.WriteBuffer) }

// setOption sets a property of every kernel socket. A closed socket is closed
// before a value can be wrong, and a value is wrong before a socket can be
// unbound.
func (s *Socket) setOption(o kernel.Option, name string, value, low, high int) error {
	ep, err := s.bound("set")
	if s.ending() {
		return err
	}
	if value < low || value > high {
		return s.opError("set", netip.AddrPort{}, invalid(fmt.Sprintf("%s %d is not between %d and %d", name, value, low, high)))
	}
	if err != nil {
		return err
	}
	for _, conn := range ep.conns {
		if err := conn.SetOption(o, value); err != nil {
			return s.opError("set", netip.AddrPort{}, err)
		}
	}
	return nil
}

func (s *Socket) option(o kernel.Option) (int, error) {
	ep, err := s.bound("get")
	if err != nil {
		return 0, err
	}
	value, err := ep.conns[0].Option(o)
	return value, s.opError("get", netip.AddrPort{}, err)
}
