package main

import (
	"errors"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outside is the interface, of module dummy, that stands for the world: what is
// sent there is gone.
const outside = "dummy0"

var (
	address = netip.MustParseAddr("10.99.0.1")
	netmask = netip.MustParseAddr("255.255.255.0")
	gateway = netip.MustParseAddr("10.99.0.254")
)

// network brings up the loopback, and outside with an address, groups and the
// default route.
func network() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	failed := raise(fd, "lo", unix.IFF_UP)
	if setAddress(fd, unix.SIOCSIFADDR, address) != nil {
		return failed // a kernel without the module: tests that want a network skip
	}
	return errors.Join(failed,
		setAddress(fd, unix.SIOCSIFNETMASK, netmask),
		raise(fd, outside, unix.IFF_UP|unix.IFF_MULTICAST),
		route(fd))
}

func raise(fd int, name string, flags uint16) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(flags)
	return ioctl(fd, unix.SIOCSIFFLAGS, "SIOCSIFFLAGS", unsafe.Pointer(request))
}

func setAddress(fd, what int, addr netip.Addr) error {
	request, err := unix.NewIfreq(outside)
	if err != nil {
		return err
	}
	if err := request.SetInet4Addr(addr.AsSlice()); err != nil {
		return err
	}
	return ioctl(fd, what, "SIOCSIF*", unsafe.Pointer(request))
}

// A routeEntry is struct rtentry of linux/route.h on a machine of 64 bits.
type routeEntry struct {
	_                 uint64
	To, Gateway, Mask unix.RawSockaddrInet4
	Flags             uint16
	_                 int16
	_, _              uint64
	Metric            int16
	Device            *byte
	MTU, Window       uint64
	RTT               uint16
}

func route(fd int) error {
	entry := routeEntry{Flags: unix.RTF_UP | unix.RTF_GATEWAY}
	entry.To.Family, entry.Mask.Family, entry.Gateway.Family = unix.AF_INET, unix.AF_INET, unix.AF_INET
	entry.Gateway.Addr = gateway.As4()
	return ioctl(fd, unix.SIOCADDRT, "SIOCADDRT", unsafe.Pointer(&entry))
}

func ioctl(fd, request int, name string, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument))
	if errno != 0 {
		return os.NewSyscallError("ioctl "+name, errno)
	}
	return nil
}
