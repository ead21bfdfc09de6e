//go:build linux

package linux

import (
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// receiving is the state of a socket's read loop. The callback is bound once,
// so that receiving allocates nothing.
type receiving struct {
	reading *reading // for ReadMsg, made on first use
	sink    kernel.Sink
	step    func(fd uintptr) bool // conn.read
	now     func(fd uintptr)      // conn.readNow
	found   bool                  // whether readNow found something
	err     error
	pending bool  // the next call returns kernel.ErrPending
	most    int32 // packets that the next call may bring
	bytes   int32 // bytes that the last call brought
	once    bool

	blocked atomic.Bool // the read loop waits for its receiver
}

// wait waits for the receiver.
func (r *receiving) wait() bool {
	r.blocked.Store(true)
	defer r.blocked.Store(false)
	return r.sink.Wait()
}

// shortCall is how many bytes the last call may have brought if the next is to be a
// short one, without entersyscall: the kernel needs about ten microseconds for
// them. Short calls cannot be preempted, so a loop must not make one after the
// other. Only a receive that returns to its caller after each batch makes them.
const shortCall = 32 << 10

// Receive reads until the sink has enough.
//
// The loop runs inside one RawConn.Read. The poller resets its readiness only when
// RawConn.Read begins, so a datagram that arrives after the last receive call runs
// the callback again. The loop needs no call that finds nothing, and misses no
// event. A loop of reads would make two calls for each datagram at low rates.
func (c *conn) Receive(s kernel.Sink, once bool) error {
	r := &c.rx
	if !c.drain.on.Load() {
		r.sink, r.once, r.err = s, once, nil
		err := c.whenReadable(r.step)
		r.sink = nil
		switch {
		case err == nil:
			return r.err
		case !c.woken(err):
			return err
		}
	}
	return c.receiveQueued(s, once)
}

// tellPending sets the error of the call to kernel.ErrPending if errors are
// pending. A socket with an error queue looks at the queue, because some entries
// come without an errno.
func (c *conn) tellPending(fd uintptr) bool {
	r := &c.rx
	if !r.pending && !(c.errorQueue && errorQueued(fd)) {
		return false
	}
	r.pending, r.err = false, kernel.ErrPending
	return true
}

// read empties the receive buffer. It returns false to wait for more, and holds no
// scratch while it waits.
func (c *conn) read(fd uintptr) bool {
	r := &c.rx
	if r.pending {
		return c.tellPending(fd)
	}
	var s *scratch
	failures := 0
	for {
		want := min(r.sink.Room(), int(r.most))
		if s == nil {
			s = borrow()
		}
		var n int
		var errno syscall.Errno
		s, n, errno = c.next(s, fd, want, r.once && r.bytes <= shortCall)
		switch errno {
		case 0:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			r.most = firstBatch
			s.giveBack()
			return !r.idle() || c.tellPending(fd)
		default:
			if c.isAsync(errno, &failures) {
				continue // queued datagrams come first
			}
			s.giveBack()
			r.err = callError("recvmmsg", errno)
			return true
		}
		failures = 0
		if len(s.batch.Packets) > 0 {
			r.sink.Deliver(&s.batch)
		}
		if r.sink.Pending() {
			s.giveBack()
			s = nil
			if !r.wait() {
				return true
			}
		}
		drained := n < want
		if drained {
			r.most = firstBatch
		} else {
			r.most = batchSize
		}
		if drained && (c.connected.Load() || c.errorQueue) {
			// A recvmmsg that fails after its first message keeps the error for the
			// next call, and the poller reports no event for it.
			drained = false
		}
		if !r.once && !r.pending && !drained {
			continue
		}
		if s != nil {
			s.giveBack()
		}
		return r.once || !r.idle() || r.pending && c.tellPending(fd)
	}
}

// idle calls the sink before a read that may find nothing. It returns false to end
// Receive.
func (r *receiving) idle() bool {
	return !r.sink.Idle() || r.wait()
}

// callError wraps errno with the name of the system call, or returns nil.
func callError(call string, errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN:
		return errEAGAIN // frequent, so without an allocation
	}
	return os.NewSyscallError(call, errno)
}

var errEAGAIN error = &os.SyscallError{Syscall: "sendmsg", Err: unix.EAGAIN}
