package main

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/udp"
)

// recvJob is what a receiver role is asked to do. The variants are told apart here and
// written in ours.go and neighbours_*.go; C and Node have the same job in their languages.
type recvJob struct {
	at     netip.AddrPort
	every  int // datagrams between two reports
	buffer int // receive buffer, negative: forced
	allocs bool
}

func receive(variant string, job recvJob) error {
	switch variant {
	case "net":
		return netReceive(job)
	case "xnet":
		return xnetReceive(job)
	case "gnet":
		return gnetReceive(job)
	case "messages":
		return messagesReceive(job, true)
	case "messages-256":
		return messagesReceive(job, true, udp.WithMessageBuffer(256))
	case "messages-keep":
		return messagesReceive(job, false)
	case "all":
		return allReceive(job)
	}
	return fmt.Errorf("no receiver %q", variant)
}

func echo(variant string, at netip.AddrPort) error {
	switch variant {
	case "net":
		return netEcho(at)
	case "gnet":
		return gnetEcho(at)
	case "messages":
		return messagesEcho(at)
	}
	return fmt.Errorf("no echo %q", variant)
}

// enlarge sets the receive buffer, beyond what the system allows if n is negative.
func enlarge(c syscall.Conn, n int) error {
	if n == 0 {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var bad error
	err = raw.Control(func(fd uintptr) { bad = enlargeFD(int(fd), n) })
	if err != nil {
		return err
	}
	return bad
}

func enlargeFD(fd, n int) error {
	if n < 0 {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, -n)
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n)
}
