//go:build linux

package linux

import (
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// offload is the state of receive offload (UDP_GRO, udp(7), Linux 5.0).
//
// The kernel reports the size of the segments only while offload is on, also for a
// burst that was queued before. If offload were turned off with bursts in the
// queue, each would be read as one long datagram. Therefore the queue is read ahead
// first, and the receiver takes the batches that were read ahead before it reads
// on.
type offload struct {
	mu    sync.Mutex // held for each receive call, and while offload is switched
	left  []*scratch
	ended bool // Discard counts what is queued: it is read ahead no more, and bursts stay bursts
}

// maxSwitches bounds how often stopOffload tries. If a datagram arrives while it
// turns offload off, it turns offload on again and reads the queue.
const maxSwitches = 256

// SetOffload turns UDP_GRO on or off, while the socket is not being replaced: a new
// socket copies the option. It avoids controlAll, which would double the stack of
// the calling goroutine for good: the goroutine that will wait for messages.
func (c *conn) SetOffload(on bool) error {
	if !c.acquire() {
		return net.ErrClosed
	}
	defer c.release()
	if !on {
		c.older.each(func(fd uintptr) { _ = c.stopOffload(fd) })
	}
	var errno syscall.Errno
	closed := c.sock.Load().raw.Control(func(fd uintptr) {
		switch {
		case !on:
			errno = c.stopOffload(fd)
			if c.offload.any() {
				c.interrupt()
			}
		case !segments(fd) || !c.calls.receivesControlNow():
			errno = unix.ENOPROTOOPT // a kernel without UDP_GRO may accept the unknown option
		default:
			if errno = setGRO(fd, 1); errno == 0 && !hasGRO(fd) {
				errno = unix.ENOPROTOOPT // stopOffload has to be able to read the option
				_ = setGRO(fd, 0)
			}
		}
	})
	switch {
	case closed != nil:
		return c.mapClosed(closed)
	case errno == 0:
		return nil
	}
	return optionError("setsockopt", errno)
}

func setGRO(fd uintptr, value int32) syscall.Errno {
	return setInt(fd, unix.SOL_UDP, unix.UDP_GRO, value)
}

// setInt is setsockopt(2) without entersyscall: the call is short.
func setInt(fd uintptr, level, option int, value int32) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, fd, uintptr(level), uintptr(option), uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0)
	return errno
}

// hasGRO reports whether offload is on. On gVisor, which accepts the option without
// an effect, reading it fails.
func hasGRO(fd uintptr) bool {
	value, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO)
	return err == nil && value != 0
}

// stopOffload reads the queue ahead and turns offload off, so that no burst is left
// in the queue.
func (c *conn) stopOffload(fd uintptr) syscall.Errno {
	if !hasGRO(fd) {
		return 0
	}
	o := &c.offload
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return 0
	}
	for range maxSwitches {
		c.readAhead(fd)
		if errno := setGRO(fd, 0); errno != 0 {
			return errno
		}
		if poll(fd, unix.POLLIN, 0)&unix.POLLIN == 0 {
			return 0
		}
		if errno := setGRO(fd, 1); errno != 0 {
			return errno
		}
	}
	return setGRO(fd, 0)
}

// readAhead reads the queue ahead. The caller holds mu.
func (c *conn) readAhead(fd uintptr) {
	failures := 0
	for {
		s := borrow()
		n, errno := s.receive(&c.calls, fd, batchSize, false)
		c.reads.Add(1)
		if errno == 0 {
			s.parse(c, fd, n)
			c.offload.left = append(c.offload.left, s)
			continue
		}
		s.giveBack()
		switch {
		case errno == unix.EINTR:
		case errno != unix.EAGAIN && kernel.IsAsync(errno, &failures):
			if !c.errorQueue {
				c.pending.Add(kernel.Refusal{Errno: errno})
			}
		default:
			return
		}
	}
}

// pop removes and returns the oldest batch that was read ahead. The caller holds
// mu.
func (o *offload) pop() *scratch {
	if len(o.left) == 0 {
		return nil
	}
	s := o.left[0]
	if o.left = o.left[1:]; len(o.left) == 0 {
		o.left = nil
	}
	return s
}

// any reports whether anything was read ahead.
func (o *offload) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.left) > 0
}

// next returns the next batch of up to n packets: one that was read ahead, or that
// of a receive call into s.
func (c *conn) next(s *scratch, fd uintptr, n int, short bool) (*scratch, int, syscall.Errno) {
	c.offload.mu.Lock()
	if left := c.offload.pop(); left != nil {
		c.offload.mu.Unlock()
		s.giveBack()
		if only := c.only.Load(); only != nil {
			left.batch.Packets = left.packets[:left.passOver(c, *only, len(left.batch.Packets))]
		}
		return left, n, 0
	}
	got, errno := s.receive(&c.calls, fd, n, short)
	c.offload.mu.Unlock()
	c.reads.Add(1)
	if errno == 0 {
		c.rx.bytes = s.parse(c, fd, got)
	}
	return s, got, errno
}

// discard drops the batches that were read ahead and returns the number of their
// datagrams.
func (o *offload) discard() (datagrams uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	for s := o.pop(); s != nil; s = o.pop() {
		for i := range s.batch.Packets {
			datagrams += uint64(s.batch.Packets[i].Datagrams())
		}
		s.giveBack()
	}
	return datagrams
}
