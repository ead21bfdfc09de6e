package portable

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// What is Solaris' and illumos' own. x/sys and net do not reach control
// messages here.
const (
	dontWait            = unix.MSG_DONTWAIT
	bufferDoubling      = 1
	hasControl          = false
	emptyControlPads    = false
	alwaysV6Only        = false
	mapsSource          = false
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

func (c *conn) useInterface(fd uintptr, name string) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return kernel.ZoneError(name)
	}
	if c.inet6 {
		return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_BOUND_IF, i.Index)
	}
	return setInt(fd, unix.IPPROTO_IP, unix.IP_BOUND_IF, i.Index)
}

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }
func dontFragment6(fd uintptr) error { return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1) }

func packetInfo4(uintptr) error { return unsupported("packet info") }
func receiveTTL4(uintptr) error { return unsupported("TTL") }

func receiveTOS4(uintptr) error { return unsupported("TOS") }

func (i *info) parse4(int, []byte) {}

func source4(netip.Addr, int) ([]byte, error) { return nil, unsupported("source address") }

// extras4 makes the control messages of a type of service and a hop limit.
func extras4(tos, ttl uint8) ([]byte, error) { return nil, unsupported("TOS or TTL of one datagram") }
