package netlab

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// A victim is struct inet_diag_req_v2.
type victim struct {
	Family, Protocol, _, _ uint8
	States                 uint32
	LocalPort, RemotePort  [2]byte // in network order
	Local, Remote          [16]byte
	Interface              uint32
	Cookie                 [2]uint32
}

// DestroySocket closes a UDP socket of h as an administrator does. What the
// socket does next fails with ECONNABORTED. Remote is the zero AddrPort for a
// socket that is not connected. A socket bound to "[::]" is given as such, even
// if it also receives IPv4.
func (h *Host) DestroySocket(local, remote netip.AddrPort) error {
	what := fmt.Sprintf("%s: destroy socket %v to %v", h, local, remote)
	if !remote.IsValid() {
		what = fmt.Sprintf("%s: destroy socket %v", h, local)
	}
	v := victim{
		Family:   family(local.Addr()),
		Protocol: unix.IPPROTO_UDP,
		States:   ^uint32(0),
		Cookie:   [2]uint32{^uint32(0), ^uint32(0)}, // any
	}
	copy(v.Local[:], local.Addr().AsSlice())
	copy(v.Remote[:], remote.Addr().AsSlice())
	binary.BigEndian.PutUint16(v.LocalPort[:], local.Port())
	binary.BigEndian.PutUint16(v.RemotePort[:], remote.Port())

	err := h.visit(func() error {
		n, err := openRequester(unix.NETLINK_SOCK_DIAG)
		if err != nil {
			return err
		}
		defer n.close()
		_, err = n.ask(netlink.NewRequest(unix.SOCK_DESTROY, 0, v))
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
