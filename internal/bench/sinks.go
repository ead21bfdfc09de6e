package main

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flood is the role that sends until it is stopped.
func flood(to netip.AddrPort, size, perSend int) error {
	f, err := newBurstFiller(to, size, perSend)
	if err != nil {
		return err
	}
	go obey(func(string, int) {})
	ready()
	for {
		if err := f.send(burst * perSend); err != nil {
			return err
		}
	}
}

// sink is the role that receives and forgets, so that senders meet a live peer.
func sink(at netip.AddrPort) error {
	fd, err := unix.Socket(familyOf(at.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if _, err := bindTo(fd, at); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1); err != nil {
		return err
	}
	if err := enlargeFD(fd, 4<<20); err != nil {
		return err
	}
	const batch = 8
	messages, iovs := make([]mmsghdr, batch), make([]unix.Iovec, batch)
	for i := range messages {
		data := make([]byte, 65536)
		iovs[i].Base = &data[0]
		iovs[i].SetLen(len(data))
		messages[i].header.Iov = &iovs[i]
		messages[i].header.SetIovlen(1)
	}
	go obey(func(string, int) {})
	ready()
	for {
		_, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&messages[0])), batch, unix.MSG_WAITFORONE, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return errno
		}
	}
}
