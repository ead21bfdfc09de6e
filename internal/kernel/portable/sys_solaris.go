package portable

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The constants of Solaris and illumos. x/sys and net have no control messages for them.
const (
	dontWait            = unix.MSG_DONTWAIT
	hasControl          = false
	emptyControlPads    = false
	alwaysV6Only        = false
	mapsSource          = false
	sourceNeedsWildcard = false
)

func reusePort(uintptr) error { return unsupported("balancing SO_REUSEPORT") }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }

func packetInfo4(uintptr) error { return unsupported("packet info") }
func receiveTTL4(uintptr) error { return unsupported("TTL") }

func receiveTOS4(uintptr) error { return unsupported("TOS") }

func (i *info) parse4(int, []byte) {}

func source4(netip.Addr, int) ([]byte, error) { return nil, unsupported("source address") }
