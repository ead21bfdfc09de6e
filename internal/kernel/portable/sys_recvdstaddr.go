//go:build aix || freebsd || openbsd || netbsd || dragonfly

package portable

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The control messages IP_RECVDSTADDR and IP_RECVIF, where there is no IP_PKTINFO.

func packetInfo4(fd uintptr) error {
	if err := setInt(fd, unix.IPPROTO_IP, unix.IP_RECVDSTADDR, 1); err != nil {
		return err
	}
	return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVIF, 1)
}

// parseDatalink reads the interface from a BSD struct sockaddr_dl: length,
// family, index.
func (i *info) parseDatalink(data []byte) {
	if len(data) >= 4 {
		i.index = int(binary.NativeEndian.Uint16(data[2:]))
	}
}

// parseAddr reads a struct in_addr.
func (i *info) parseAddr(data []byte) {
	if len(data) >= 4 {
		i.to = netip.AddrFrom4([4]byte(data))
	}
}
