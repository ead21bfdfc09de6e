package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The constants of macOS.
const (
	dontWait         = unix.MSG_DONTWAIT
	hasControl       = true
	emptyControlPads = true
	alwaysV6Only     = false
	mapsSource       = false

	// A source control message takes a bound socket's address away.
	sourceNeedsWildcard = true
)

func reusePort(uintptr) error { return unsupported("balancing SO_REUSEPORT") }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }

func packetInfo4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVPKTINFO, 1) }
func receiveTTL4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTTL, 1) }

func receiveTOS4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }

func (i *info) parse4(kind int, data []byte) {
	switch {
	case kind == unix.IP_PKTINFO:
		i.parsePktinfo(data)
	case kind == unix.IP_RECVTOS && len(data) >= 1:
		i.tos = data[0]
	case kind == unix.IP_RECVTTL && len(data) >= 1:
		i.ttl = data[0]
	}
}

func source4(from netip.Addr, index int) ([]byte, error) {
	return control(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(from, index)), nil
}
