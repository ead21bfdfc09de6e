package portable

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// What is macOS' own.
const (
	dontWait         = unix.MSG_DONTWAIT
	bufferDoubling   = 1
	hasControl       = true
	emptyControlPads = true
	alwaysV6Only     = false
	mapsSource       = false

	// A source control message takes a bound socket's address away.
	sourceNeedsWildcard = true
)

func isUDP(uintptr) bool { return true }

// canConnect is for sockets on every interface: disconnecting makes them
// that.
func canConnect(local netip.Addr) bool { return local.IsUnspecified() }

func reuseAddr(fd uintptr) error { return shareAddr(fd) }
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

// extras4 makes the control messages of a type of service and a hop limit.
func extras4(tos, ttl uint8) ([]byte, error) { return nil, unsupported("TOS or TTL of one datagram") }
