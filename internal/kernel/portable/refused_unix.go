//go:build unix

package portable

import (
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// refusal records what a sandbox refuses a socket: recvmsg and sendmsg, with any
// errno, before the socket is made or later. recvfrom and sendto, which have no
// control messages, take their place.
type refusal struct{ recvmsg, sendmsg atomic.Bool }

// refused reports whether err means that a call is refused, and not that the socket
// or the datagram is at fault. It makes the call again with a descriptor that
// cannot be open: a system that permits the call returns EBADF.
func refused(err error, again func(fd int) error) bool {
	switch err {
	case unix.EBADF, unix.ENOTSOCK, unix.EAGAIN, unix.EINTR, unix.ENOMEM, unix.ENOBUFS, unix.ECONNREFUSED, unix.EMSGSIZE, unix.EIO:
		return false
	}
	switch again(-1) {
	case unix.EBADF, unix.EAGAIN, unix.EINTR, unix.ENOMEM, unix.ENOBUFS, unix.EIO:
		return false
	}
	return true
}

// receiveRefused reports whether recvmsg is refused.
func (r *refusal) receiveRefused(err error) bool {
	if refused(err, func(fd int) error {
		_, _, _, _, err := unix.Recvmsg(fd, nil, nil, 0)
		return err
	}) {
		r.recvmsg.Store(true)
		return true
	}
	return false
}

// sendRefused reports whether sendmsg is refused.
func (r *refusal) sendRefused(err error) bool {
	if refused(err, func(fd int) error {
		_, err := unix.SendmsgN(fd, nil, nil, nil, 0)
		return err
	}) {
		r.sendmsg.Store(true)
		return true
	}
	return false
}

// recvfrom reads one datagram into memory that has room for any, because it does
// not report that it cut one off.
func recvfrom(fd int, bufs [][]byte, flags int) (n int, more int, from unix.Sockaddr, err error) {
	s := borrow()
	defer s.giveBack()
	all := s.block.Bytes()
	n, from, err = unix.Recvfrom(fd, all, flags|dontWait)
	if err != nil {
		return 0, 0, nil, err
	}
	rest := all[:n]
	for _, b := range bufs {
		rest = rest[copy(b, rest):]
	}
	if len(rest) > 0 {
		more = flagTruncated
	}
	return n - len(rest), more, from, nil
}

// sendto sends one datagram without control messages.
func sendto(fd int, parts [][]byte, to unix.Sockaddr) error {
	data := parts[0]
	if len(parts) > 1 {
		data = slices.Concat(parts...)
	}
	if to == nil {
		return unix.Send(fd, data, dontWait)
	}
	return unix.Sendto(fd, data, dontWait, to)
}
