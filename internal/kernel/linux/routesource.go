//go:build linux

package linux

import (
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// routeSource finds the address from which a socket without one of its own would send:
// with a second socket, which asks the route of each destination by connecting to it.
//
// It serves an IPv6 socket that is connected to itself (see [conn.leaveShare]): the
// kernel would send from the loopback address, and has no control message that leaves
// the source to the route again.
type routeSource struct {
	mu     sync.Mutex
	fd     int
	device int // that the socket is bound to
}

// newRouteSource returns a routeSource that chooses as fd does.
func newRouteSource(fd int) (*routeSource, error) {
	own, err := socketBeside(fd, unix.AF_INET6)
	if err != nil {
		return nil, err
	}
	copyOptions(own, fd)
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} { // so that it takes no port of another socket
		if err := unix.SetsockoptInt(own, unix.SOL_SOCKET, option, 0); err != nil {
			unix.Close(own)
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	return &routeSource{fd: own, device: deviceOf(fd)}, nil
}

func (r *routeSource) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	unix.Close(r.fd)
	r.fd = -1
}

// ask returns the source of d.
func (r *routeSource) ask(c *conn, d *kernel.Datagram) (netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	device := r.device
	if d.Interface != 0 {
		device = d.Interface
	}
	if err := setDevice(r.fd, device); err != nil {
		return netip.Addr{}, err
	}
	if err := c.connectTo(uintptr(r.fd), d.To); err != nil {
		return netip.Addr{}, err
	}
	sa, err := unix.Getsockname(r.fd)
	if err := forgetPeer(uintptr(r.fd)); err != nil {
		return netip.Addr{}, err
	}
	if err != nil {
		return netip.Addr{}, os.NewSyscallError("getsockname", err)
	}
	return fromSockaddr(uintptr(r.fd), sa).Addr().WithZone(""), nil
}
