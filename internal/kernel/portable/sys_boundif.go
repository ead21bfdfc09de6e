//go:build darwin || solaris

package portable

import (
	"net"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// useInterface binds the socket to an interface by its index.
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
