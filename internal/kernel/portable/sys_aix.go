package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The constants of AIX.
const (
	dontWait            = unix.MSG_NONBLOCK
	hasControl          = true
	emptyControlPads    = true
	alwaysV6Only        = false
	mapsSource          = true
	sourceNeedsWildcard = false
)

func reusePort(uintptr) error { return unsupported("balancing SO_REUSEPORT") }

func (c *conn) useInterface(uintptr, string) error { return unsupported("binding to an interface") }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }

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
