package main

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	segments = 32 // datagrams in one GSO send
	burst    = 64 // sends in one sendmmsg
)

// A filler sends equal datagrams to one address with as little ado as possible.
type filler struct {
	fd       int
	perSend  int // 1, or segments
	messages []mmsghdr
	iov      unix.Iovec
	payload  []byte
}

// mmsghdr is the kernel's struct of that name on 64-bit machines.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newFiller(to netip.AddrPort, size int, gso bool) (*filler, error) {
	if gso {
		return newBurstFiller(to, size, segments)
	}
	return newBurstFiller(to, size, 1)
}

// newBurstFiller sends so many datagrams at a time, by UDP_SEGMENT.
func newBurstFiller(to netip.AddrPort, size, perSend int) (*filler, error) {
	f := &filler{perSend: perSend, messages: make([]mmsghdr, burst)}
	fd, err := unix.Socket(familyOf(to.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f.fd = fd
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if perSend > 1 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, size); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("UDP_SEGMENT: %w", err)
		}
	}
	f.payload = make([]byte, size*f.perSend)
	f.iov.Base = &f.payload[0]
	f.iov.SetLen(len(f.payload))
	for i := range f.messages {
		f.messages[i].header.Iov = &f.iov
		f.messages[i].header.SetIovlen(1)
	}
	return f, nil
}

// send sends n datagrams; n is a multiple of what one send carries.
func (f *filler) send(n int) error {
	for sends := n / f.perSend; sends > 0; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(f.fd),
			uintptr(unsafe.Pointer(&f.messages[0])), uintptr(min(sends, burst)), 0, 0, 0)
		switch errno {
		case 0:
			sends -= int(sent)
		case unix.EINTR:
		default: // ECONNREFUSED among them: the receiver is gone
			return errno
		}
	}
	return nil
}

func (f *filler) close() { unix.Close(f.fd) }

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(ap netip.AddrPort) unix.Sockaddr {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
}

// freePort asks the kernel for a port that nobody has.
func freePort(ip netip.Addr) (netip.AddrPort, error) {
	fd, err := unix.Socket(familyOf(ip), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer unix.Close(fd)
	return bindTo(fd, netip.AddrPortFrom(ip, 0))
}

// bindTo binds and says where.
func bindTo(fd int, at netip.AddrPort) (netip.AddrPort, error) {
	if err := unix.Bind(fd, sockaddr(at)); err != nil {
		return netip.AddrPort{}, err
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch sa := got.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(at.Addr(), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(at.Addr(), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("no port in %T", got)
}
