package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// What is AIX' own.
const (
	dontWait            = unix.MSG_NONBLOCK
	bufferDoubling      = 1
	hasControl          = true
	emptyControlPads    = true
	alwaysV6Only        = false
	mapsSource          = true
	sourceNeedsWildcard = false
)

func isUDP(uintptr) bool { return true }

func canConnect(netip.Addr) bool { return false }

func clearPeer(uintptr) error {
	return unsupported("disconnecting a socket that another program connected")
}

func reuseAddr(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }
func reusePort(uintptr) error    { return unsupported("balancing SO_REUSEPORT") }

func (c *conn) disableMulticastAll(uintptr) error { return nil }

func (c *conn) useInterface(uintptr, string) error { return unsupported("binding to an interface") }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }
func dontFragment6(fd uintptr) error { return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1) }

func packetInfo4(fd uintptr) error {
	if err := setInt(fd, unix.IPPROTO_IP, unix.IP_RECVDSTADDR, 1); err != nil {
		return err
	}
	return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVIF, 1)
}

func receiveTTL4(uintptr) error { return unsupported("TTL") }

func receiveTOS4(uintptr) error { return unsupported("TOS") }

func (i *info) parse4(kind int, data []byte) {
	switch kind {
	case unix.IP_RECVDSTADDR:
		i.parseAddr(data)
	case unix.IP_RECVIF:
		i.parseDatalink(data)
	}
}

func source4(netip.Addr, int) ([]byte, error) { return nil, unsupported("source address") }

// extras4 makes the control messages of a type of service and a hop limit.
func extras4(tos, ttl uint8) ([]byte, error) { return nil, unsupported("TOS or TTL of one datagram") }
