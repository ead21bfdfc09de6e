//go:build linux

package linux

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// blindWait bounds a wait without Go's poller: neither a deadline nor Close ends
// such a wait.
const blindWait = 10 * time.Millisecond

// whenReadable calls try until it returns true, and waits in between.
//
// Go's poller calls a descriptor "not pollable" while the last event of epoll was
// EPOLLERR alone: a pending error on a socket whose send buffer is full. That is a
// state of the poller, not of the socket, and lasts until the next event. Until
// then whenReadable waits with poll(2).
func (c *conn) whenReadable(try func(fd uintptr) bool) error {
	for {
		s := c.readable()
		if s != c.sock.Load() { // Disconnect has replaced s, and its queue is not read yet
			done := false
			if err := s.raw.Control(func(fd uintptr) { done = try(fd) }); done || err != nil && c.closed.Load() {
				return c.mapClosed(err)
			}
			c.older.retire(s)
			continue
		}
		err := s.raw.Read(try)
		if err == nil {
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && c.resumed() {
			continue
		}
		if s != c.sock.Load() && !c.closed.Load() {
			continue // Disconnect has replaced s
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || c.closed.Load() {
			return c.mapClosed(err)
		}
		done := false
		gone := c.sock.Load().raw.Control(func(fd uintptr) {
			if done = try(fd); !done {
				poll(fd, unix.POLLIN, blindWait)
			}
		})
		if done || gone != nil {
			return c.mapClosed(gone)
		}
	}
}

// pollable returns an error if a sandbox refuses the calls of the poller. Otherwise
// the runtime would end the process.
func pollable() error {
	none := ^uintptr(0)
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, none, unix.EPOLL_CTL_DEL, none, 0, 0, 0)
	if errno != unix.EBADF {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	_, _, errno = unix.RawSyscall(unix.SYS_EPOLL_CREATE1, none, 0, 0)
	if errno == unix.EINVAL || hasPoller() {
		return nil
	}
	return os.NewSyscallError("epoll_create1", errno)
}

// hasPoller reports whether the process has an epoll descriptor already.
func hasPoller() bool {
	open, err := os.ReadDir("/proc/self/fd")
	for _, fd := range open {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to == "anon_inode:[eventpoll]" {
			return true
		}
	}
	return err != nil // if the directory cannot be read, assume so
}

// interrupt makes a read that waits call try again, by way of an expired deadline,
// because of a change that the poller does not see.
func (c *conn) interrupt() {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.on.Load() {
		d.interrupted = true
		_ = c.sock.Load().file.SetReadDeadline(time.Unix(1, 0))
	}
}

// resumed reports whether interrupt ended a read, and restores the deadline.
func (c *conn) resumed() bool {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.interrupted {
		return false
	}
	d.interrupted = false
	return !d.on.Load() && c.sock.Load().file.SetReadDeadline(d.deadline) == nil
}

// poll returns the events of fd, after at most timeout.
func poll(fd uintptr, events int16, timeout time.Duration) (revents int16) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := unix.Poll(fds, int(timeout.Milliseconds()))
	switch {
	case err != nil && err != unix.EINTR: // refused by a sandbox
		time.Sleep(timeout)
		return 0
	case n == 0 || err != nil:
		return 0
	}
	return fds[0].Revents
}

// errorQueued reports whether an error is pending.
func errorQueued(fd uintptr) bool { return poll(fd, 0, 0)&unix.POLLERR != 0 }
