//go:build unix

package portable

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

const flagTruncated = unix.MSG_TRUNC

// next reads one datagram into borrowed scratch. It returns the scratch before the
// poller waits.
func (c *conn) next(sink kernel.Sink) (*scratch, error) {
	var s *scratch
	err := c.whenReadable(func(fd int) (err error) {
		sink.Room() // there is room for one datagram
		s = borrow()
		if s.msg, err = c.recvmsg(fd, [][]byte{s.block.Bytes()}, s.oob[:], 0); err != nil {
			s.giveBack()
		}
		return err
	})
	return s, err
}

// read reads one datagram.
func (c *conn) read(bufs [][]byte, oob []byte, flags int) (m message, err error) {
	err = c.whenReadable(func(fd int) (err error) {
		m, err = c.recvmsg(fd, bufs, oob, flags)
		return err
	})
	return m, err
}

// recvNow reads one datagram without waiting.
func (c *conn) recvNow(bufs [][]byte, oob []byte, flags int) (m message, err error) {
	err = c.control(func(fd uintptr) (err error) {
		m, err = c.recvmsg(int(fd), bufs, oob, flags)
		return recvError(err)
	})
	return m, err
}

// blindWait bounds a wait without Go's poller: neither a deadline nor Close ends
// such a wait.
const blindWait = 10 * time.Millisecond

// whenReadable calls try until it finds something, and waits in between. If Go's
// poller refuses to wait ("not pollable": its last event was an error alone),
// whenReadable waits with poll(2).
func (c *conn) whenReadable(try func(fd int) error) error {
	var err error
	step := func(fd uintptr) bool {
		err = try(int(fd))
		return err != unix.EAGAIN
	}
	for {
		gone := c.raw.Read(step)
		if gone == nil {
			return recvError(err)
		}
		if c.closed.Load() || errors.Is(gone, os.ErrDeadlineExceeded) {
			return xnetError(gone)
		}
		ready := false
		gone = c.raw.Control(func(fd uintptr) {
			if ready = step(fd); !ready {
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(blindWait.Milliseconds()))
			}
		})
		switch {
		case gone != nil:
			return xnetError(gone)
		case ready:
			return recvError(err)
		}
	}
}

// recvError names the system call that failed.
func recvError(err error) error {
	if err == kernel.ErrPending {
		return err
	}
	return os.NewSyscallError("recvmsg", err)
}

// recvmsg receives one datagram without waiting. It passes MSG_DONTWAIT, because
// another process that shares the socket may clear O_NONBLOCK.
func (c *conn) recvmsg(fd int, bufs [][]byte, oob []byte, flags int) (message, error) {
	if !hasControl {
		oob = nil
	}
	if c.takeTold() {
		return message{}, kernel.ErrPending
	}
	for failures := 0; ; {
		c.reads.Add(1)
		var m message
		var sa unix.Sockaddr
		var err error
		size := 0
		if c.refusal.recvmsg.Load() {
			size = 1 << 16
			m.n, m.flags, sa, err = recvfrom(fd, bufs, flags)
		} else if len(bufs) == 1 {
			size = len(bufs[0])
			m.n, m.oobn, m.flags, sa, err = unix.Recvmsg(fd, bufs[0], oob, flags|dontWait)
		} else {
			for _, b := range bufs {
				size += len(b)
			}
			m.n, m.oobn, m.flags, sa, err = unix.RecvmsgBuffers(fd, bufs, oob, flags|dontWait)
		}
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EWOULDBLOCK:
			if c.takeTold() {
				return message{}, kernel.ErrPending
			}
			return message{}, unix.EAGAIN
		default:
			if !c.refusal.recvmsg.Load() && c.refusal.receiveRefused(err) {
				continue // the next try uses recvfrom
			}
			if c.isAsync(err, &failures) {
				continue // queued datagrams come first
			}
			return message{}, err
		}
		m.n = min(m.n, size) // for an empty buffer x/sys makes room for one byte
		m.from = fromSockaddr(sa)
		m.info = parseControl(oob[:m.oobn])
		return m, nil
	}
}

// Queued reports whether a read would find a datagram now. It leaves a pending
// error alone; a read with MSG_PEEK would take it.
func (c *conn) Queued() bool {
	fds := []unix.PollFd{{Events: unix.POLLIN}}
	err := c.control(func(fd uintptr) error {
		fds[0].Fd = int32(fd)
		for {
			if _, err := unix.Poll(fds, 0); err != unix.EINTR {
				return err
			}
		}
	})
	return err == nil && fds[0].Revents&unix.POLLIN != 0 && !c.drain.isExhausted()
}

// Discard reads and counts the queued datagrams. Under a flood it stops at a limit.
func (c *conn) Discard() (datagrams uint64) {
	if c.shared.Load() {
		return 0
	}
	_ = c.control(func(fd uintptr) error {
		limit := int64(1 << 16)
		if c.drain.on.Load() {
			limit = min(limit, c.drain.left.Swap(0))
		}
		b := [][]byte{make([]byte, 1)}
		for range limit {
			m, err := c.recvmsg(int(fd), b, nil, 0)
			if err == unix.EAGAIN {
				break
			}
			if err == nil && c.accepts(&m) {
				datagrams++
			}
		}
		return nil
	})
	return datagrams
}
