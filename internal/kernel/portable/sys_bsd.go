//go:build freebsd || openbsd || netbsd || dragonfly

package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The constants of the BSDs.
const (
	dontWait         = unix.MSG_DONTWAIT
	hasControl       = true
	emptyControlPads = true
	mapsSource       = true

	// A source control message is refused on a bound socket.
	sourceNeedsWildcard = true
)

func (c *conn) useInterface(uintptr, string) error { return unsupported("binding to an interface") }

func receiveTTL4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTTL, 1) }

func (i *info) parse4(kind int, data []byte) {
	switch {
	case kind == unix.IP_RECVDSTADDR:
		i.parseAddr(data)
	case kind == unix.IP_RECVIF:
		i.parseDatalink(data)
	case kind == receivedTOS && len(data) >= 1:
		i.tos = data[0]
	case kind == unix.IP_RECVTTL && len(data) >= 1:
		i.ttl = data[0]
	}
}

// source4 makes IP_SENDSRCADDR, which has the number of IP_RECVDSTADDR.
func source4(from netip.Addr, index int) ([]byte, error) {
	if index != 0 || !from.Is4() {
		return nil, unsupported("sending on an interface")
	}
	a := from.As4()
	return control(unix.IPPROTO_IP, unix.IP_RECVDSTADDR, a[:]), nil
}
