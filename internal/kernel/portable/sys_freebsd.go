package portable

import "golang.org/x/sys/unix"

// What is FreeBSD's own.
const (
	alwaysV6Only = false
	receivedTOS  = unix.IP_RECVTOS
)

// reusePort shares a port among sockets of which each gets its part. Plain
// SO_REUSEPORT gives all to one.
func reusePort(fd uintptr) error { return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT_LB, 1) }

func dontFragment4(fd uintptr) error { return setInt(fd, unix.IPPROTO_IP, unix.IP_DONTFRAG, 1) }
func receiveTOS4(fd uintptr) error   { return setInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }
