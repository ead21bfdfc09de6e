package portable

import "golang.org/x/sys/unix"

// The constants of FreeBSD.
const (
	alwaysV6Only = false
	receivedTOS  = unix.IP_RECVTOS
)

// reusePort balances datagrams between the sockets of a port. With plain
// SO_REUSEPORT one socket receives all.
func reusePort(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT_LB, 1) }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }
func receiveTOS4(fd uintptr) error   { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }
