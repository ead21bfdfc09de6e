package multicast

import (
	"context"
	"net/netip"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// SendOn sends one datagram, the parts in a row, through an interface, named as in
// [On]. If the interface is named by one of its addresses, the datagram leaves from
// that address. The interface goes along with the datagram and is no setting of the
// socket, so goroutines that send through different ones do not disturb each other.
// In everything else it is [udp.Socket.SendTo].
func SendOn(ctx context.Context, s *udp.Socket, iface string, to netip.AddrPort, parts ...[]byte) error {
	in := inside.Of(s)
	if err := ended(in); err != nil {
		return err
	}
	at, err := lookupIface(in, iface, to.Addr().Unmap())
	if err == nil && to.Addr().Zone() != "" && at.index != 0 {
		var zoned ifaceRef
		zoned, err = ifaceByName(in, to.Addr().Zone())
		if err == nil && zoned.index != at.index {
			err = argErrorf(posix.EINVAL, "interface %q is not the zone of %v", iface, to)
		}
	}
	if err != nil {
		return in.OpError("send", to, err)
	}
	return in.SendOn(ctx, at.index, at.addr, to, parts)
}
