//go:build linux

package linux

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// blindWait bounds a wait without Go's poller, which cannot be woken by a deadline
// or by Close.
const blindWait = 10 * time.Millisecond

// whenReadable calls try until it returns true, and waits in between.
//
// Go's poller calls a descriptor "not pollable" while the last that epoll said of it
// is EPOLLERR alone: a pending error on a socket whose send buffer is full. That is
// a state of the poller, not of the socket, and lasts until the next event. Meanwhile
// the socket itself is asked.
func (c *conn) whenReadable(try func(fd uintptr) bool) error {
	for {
		err := c.raw.Read(try)
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || c.closed.Load() {
			return c.mapClosed(err)
		}
		done := false
		gone := c.raw.Control(func(fd uintptr) {
			if done = try(fd); !done {
				poll(fd, unix.POLLIN, blindWait)
			}
		})
		if done || gone != nil {
			return c.mapClosed(gone)
		}
	}
}

// poll asks what is so of fd now, or within the timeout.
func poll(fd uintptr, events int16, timeout time.Duration) (revents int16) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	if n, err := unix.Poll(fds, int(timeout.Milliseconds())); n == 0 || err != nil {
		return 0
	}
	return fds[0].Revents
}

// errorQueued reports whether there is an error to be taken off.
func errorQueued(fd uintptr) bool { return poll(fd, 0, 0)&unix.POLLERR != 0 }
