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
	found   bool                  // what it found
	err     error
	pending bool  // the next call returns kernel.ErrPending
	most    int32 // packets that the next call may bring
	bytes   int32 // that the last call brought
	once    bool

	blocked atomic.Bool // the read loop waits for its receiver
}

// wait waits for the receiver.
func (r *receiving) wait() bool {
	r.blocked.Store(true)
	defer r.blocked.Store(false)
	return r.sink.Wait()
}

// shortCall is how many bytes the last call may have brought for the next to
// count as short: about ten microseconds of work for the kernel. Only a receive
// that returns to its caller after each batch makes such calls. They cannot be
// preempted, so they must not follow each other.
const shortCall = 32 << 10

// Receive is where datagrams are read.
//
// The loop runs inside one RawConn.Read. The poller forgets what it knew only
// when RawConn.Read begins, so a datagram that arrives after the last receive
// call wakes the callback again: no call is needed that finds nothing, and no
// edge is lost. A loop of reads makes two calls for a datagram at low rates.
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

// tellPending makes the call return kernel.ErrPending, if it should. Where there is
// an error queue that is so whenever the queue is not empty: not every entry comes
// with an errno.
func (c *conn) tellPending(fd uintptr) bool {
	r := &c.rx
	if !r.pending && !(c.errorQueue && errorQueued(fd)) {
		return false
	}
	r.pending, r.err = false, kernel.ErrPending
	return true
}

// read empties the receive buffer. False waits for more; scratch is never held
// meanwhile.
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
				continue // what there is to read comes first
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
			// recvmmsg that fails after its first message keeps the error for
			// the next call, and no edge announces it.
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

// idle tells the sink that a read may now find nothing. False ends Receive.
func (r *receiving) idle() bool {
	return !r.sink.Idle() || r.wait()
}

// callError names the system call that failed, if it did.
func callError(call string, errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN:
		return errEAGAIN // often, and no surprise: without allocating
	}
	return os.NewSyscallError(call, errno)
}

var errEAGAIN error = &os.SyscallError{Syscall: "sendmsg", Err: unix.EAGAIN}
