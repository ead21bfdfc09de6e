package portable

import (
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The constants of Linux.
const (
	dontWait            = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	bufferDoubling      = 2 // SO_RCVBUF is read back doubled (socket(7))
	hasControl          = true
	emptyControlPads    = false
	alwaysV6Only        = false
	mapsSource          = false
	sourceNeedsWildcard = false
)

func isUDP(fd uintptr) bool {
	p, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err == nil && p == unix.IPPROTO_UDP
}

func canConnect(netip.Addr) bool { return true }

// clearPeer disconnects by connecting to an address of family AF_UNSPEC
// (connect(2)).
func clearPeer(fd uintptr) error {
	none := unix.RawSockaddrInet6{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&none)), unix.SizeofSockaddrInet6)
	if errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

func reuseAddr(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }
func reusePort(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

// disableMulticastAll turns off that a socket receives groups which only other
// sockets have joined.
func (c *conn) disableMulticastAll(fd uintptr) error {
	_ = setInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	if c.inet6 {
		_ = setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0) // since Linux 4.20
	}
	return nil
}

func (c *conn) useInterface(fd uintptr, name string) error {
	return os.NewSyscallError("setsockopt", unix.BindToDevice(int(fd), name))
}

func dontFragment4(fd uintptr) error {
	return setInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
}

func dontFragment6(fd uintptr) error {
	return setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO)
}

func packetInfo4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1) }
func receiveTTL4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTTL, 1) }

func receiveTOS4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }

// parse4 parses struct in_pktinfo (ip(7)). The address in the IP header is the
// destination. The other is the own address, and differs for a broadcast or a
// group.
func (i *info) parse4(kind int, data []byte) {
	switch {
	case kind == unix.IP_PKTINFO && len(data) >= 12:
		i.parsePktinfo(data)
		i.foreign = [4]byte(data[4:]) != [4]byte(data[8:])
	case kind == unix.IP_TOS && len(data) >= 1:
		i.tos = data[0]
	case kind == unix.IP_TTL && len(data) >= 4:
		i.ttl = uint8(getNative(data))
	}
}

func source4(from netip.Addr, index int) ([]byte, error) {
	return control(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(from, index)), nil
}

// extras4 makes the control messages of a type of service and a hop limit
// (ip(7)).
func extras4(tos, ttl uint8) ([]byte, error) {
	var b []byte
	if tos != 0 {
		b = control(unix.IPPROTO_IP, unix.IP_TOS, native(int(tos)))
	}
	if ttl != 0 {
		b = append(b, control(unix.IPPROTO_IP, unix.IP_TTL, native(int(ttl)))...)
	}
	return b, nil
}
