package netlab

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// askErrorQueue sends to a port where nobody listens and waits for the refusal.
func askErrorQueue() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	dead, err := deserted()
	if err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte("x"), 0, dead); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	switch n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd)}}, 3000); {
	case err != nil:
		return os.NewSyscallError("poll", err)
	case n == 0:
		return errors.New("this system takes IP_RECVERR and reports no ICMP error")
	}
	return nil
}

// deserted is an address where nobody listens.
func deserted() (unix.Sockaddr, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	sa, err := unix.Getsockname(fd)
	return sa, os.NewSyscallError("getsockname", err)
}

func askBursts() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	_, err = unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	return os.NewSyscallError("getsockopt", err)
}
