//go:build linux

package linux

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// rawName is room for the address of either family.
type rawName = unix.RawSockaddrInet6

const (
	sizeofName  = unix.SizeofSockaddrInet6
	sizeofName4 = unix.SizeofSockaddrInet4
)

// errFamily is the error of an address that the family of the socket cannot
// express.
var errFamily error = &os.SyscallError{Syscall: "sendmsg", Err: unix.EAFNOSUPPORT}

// encode writes a in the family of the socket: an IPv6 socket takes IPv4 addresses
// as IPv4-mapped ones. An address of another family is an error, even if no caller
// passes one.
func (c *conn) encode(fd uintptr, name *rawName, a netip.AddrPort) (uint32, error) {
	addr := a.Addr().Unmap()
	if !addr.IsValid() || !c.inet6 && !addr.Is4() {
		return 0, errFamily
	}
	if !c.inet6 {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*in = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addr.As4()}
		putPort(&in.Port, a.Port())
		return sizeofName4, nil
	}
	*name = rawName{Family: unix.AF_INET6, Addr: addr.As16()}
	putPort(&name.Port, a.Port())
	if zone := addr.Zone(); zone != "" {
		index, err := zoneIndex(fd, zone)
		if err != nil {
			return 0, err
		}
		name.Scope_id = uint32(index)
	}
	return sizeofName, nil
}

// decode reads an address that the kernel wrote.
func decode(fd uintptr, name *rawName, zones *zoneCache) netip.AddrPort {
	switch name.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(&in.Port))
	case unix.AF_INET6:
		a := netip.AddrFrom16(name.Addr).Unmap()
		if name.Scope_id != 0 {
			a = a.WithZone(zones.name(fd, int(name.Scope_id)))
		}
		return netip.AddrPortFrom(a, port(&name.Port))
	}
	return netip.AddrPort{}
}

// fromSockaddr converts an address that package unix returned. It is not for the
// data path.
func fromSockaddr(fd uintptr, sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 {
			a = a.WithZone(new(zoneCache).name(fd, int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(a, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// The port is in network byte order, whatever the machine's.
func putPort(p *uint16, v uint16) {
	b := (*[2]byte)(unsafe.Pointer(p))
	b[0], b[1] = byte(v>>8), byte(v)
}

func port(p *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(p))
	return uint16(b[0])<<8 | uint16(b[1])
}

func sysBind(fd uintptr, name *rawName, n uint32) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_BIND, fd, uintptr(unsafe.Pointer(name)), uintptr(n))
	return errno
}

func sysConnect(fd uintptr, name *rawName, n uint32) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(name)), uintptr(n))
	return errno
}

// ifreq is struct ifreq of netdevice(7), with the one field of its union that
// is needed here.
type ifreq struct {
	name  [unix.IFNAMSIZ]byte
	index int32
	_     [20]byte
}

// zoneIndex returns the index of an interface by its number or name. It asks
// through the socket, and so in its network namespace. It asks each time, because
// an interface that is made again has another index.
func zoneIndex(fd uintptr, zone string) (int, error) {
	var req ifreq
	if n, err := strconv.ParseUint(zone, 10, 31); err == nil && n > 0 {
		req.index = int32(n)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGIFNAME, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return 0, kernel.ZoneError(zone)
		}
		return int(n), nil
	}
	// The ioctl ignores a colon and what follows: colons once named alias
	// interfaces.
	if zone == "" || len(zone) >= len(req.name) || strings.ContainsAny(zone, "\x00:") {
		return 0, kernel.ZoneError(zone)
	}
	copy(req.name[:], zone)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGIFINDEX, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return 0, kernel.ZoneError(zone)
	}
	return int(req.index), nil
}

// A zoneCache saves the allocation of the name. It asks the kernel each time, and
// reuses the last string if the name is the same.
type zoneCache struct {
	raw  [unix.IFNAMSIZ]byte
	zone string
}

// name returns the name of an interface, or its number if it was deleted.
func (z *zoneCache) name(fd uintptr, index int) string {
	req := ifreq{index: int32(index)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGIFNAME, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return strconv.Itoa(index)
	}
	if z.zone == "" || z.raw != req.name {
		z.raw, z.zone = req.name, unix.ByteSliceToString(req.name[:])
	}
	return z.zone
}
