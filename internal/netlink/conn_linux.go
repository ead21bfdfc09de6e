package netlink

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Conn is a netlink socket. It belongs to the network namespace of the thread
// that opened it, whichever thread uses it. Receive, TryReceive and Exchange are
// for one goroutine at a time.
type Conn struct {
	file *os.File
	raw  syscall.RawConn
	seq  uint32 // of the last request
}

// Open opens a socket of a protocol, such as NETLINK_ROUTE. It also receives the
// notifications of groups, which is a sum of RTMGRP values.
func Open(protocol int, groups uint32) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	c := &Conn{file: os.NewFile(uintptr(fd), "netlink")}
	if c.raw, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the socket and ends calls that wait.
func (c *Conn) Close() { c.file.Close() }

// SetReadDeadline sets when Receive and Exchange return os.ErrDeadlineExceeded. The
// zero time is never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// ExplainErrors asks the kernel to say in words why it refuses a request, and not
// to send the request back.
func (c *Conn) ExplainErrors() error {
	var err error
	closed := c.raw.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1))
	})
	return errors.Join(closed, os.NewSyscallError("setsockopt", err))
}

// Exchange sends r with more flags and returns the messages of the answer: with
// NLM_F_ACK that to one question, with NLM_F_DUMP all objects of a kind. The error
// is that of the answer.
//
// Notifications that arrive before the answer is complete are passed to notify. If
// the kernel dropped notifications, notify is called with the zero Message. Without
// notify they are ignored, and dropped ones are the error ENOBUFS.
func (c *Conn) Exchange(r *Request, flags uint16, notify func(Message)) ([]Message, error) {
	if err := c.send(r, flags); err != nil {
		return nil, err
	}
	var answer []Message
	for {
		all, err := c.Receive()
		if errors.Is(err, unix.ENOBUFS) && notify != nil {
			notify(Message{})
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			switch {
			case m.Seq != c.seq: // or the late answer to a request that was given up
				if notify != nil {
					notify(m)
				}
			case m.isLast():
				return answer, m.Err()
			default:
				answer = append(answer, m)
			}
		}
	}
}

func (c *Conn) send(r *Request, flags uint16) error {
	c.seq++
	if c.seq == 0 { // notifications have 0
		c.seq++
	}
	b, err := r.Encode(flags, c.seq)
	if err != nil {
		return err
	}
	closed := c.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return err != unix.EAGAIN
	})
	if closed != nil {
		return closed
	}
	return os.NewSyscallError("sendto", err)
}

// Receive waits for a datagram of the kernel and returns its messages. The error
// ENOBUFS says that the kernel dropped notifications.
func (c *Conn) Receive() ([]Message, error) { return c.receive(true) }

// TryReceive is Receive without the wait. The error is EAGAIN if there is no
// datagram.
func (c *Conn) TryReceive() ([]Message, error) { return c.receive(false) }

func (c *Conn) receive(wait bool) ([]Message, error) {
	var b []byte
	var err error
	closed := c.raw.Read(func(fd uintptr) bool {
		b, err = read(int(fd))
		return err != unix.EAGAIN || !wait
	})
	if closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, os.NewSyscallError("recvfrom", err)
	}
	return ParseMessages(b)
}

// read reads one datagram of the kernel, of any size, into memory of its own, so
// that an idle Conn has no buffer. Datagrams of other processes are dropped.
func read(fd int) ([]byte, error) {
	for {
		size, _, err := unix.Recvfrom(fd, nil, unix.MSG_PEEK|unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		b := make([]byte, size)
		size, from, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid != 0 {
			continue
		}
		return b[:size], nil
	}
}
