//go:build linux

package linux

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A socket is a kernel socket in the runtime's poller.
type socket struct {
	file *os.File
	raw  syscall.RawConn
	fd   uintptr
}

// newSocket takes ownership of fd, also when it fails.
func newSocket(fd int, name string) (*socket, error) {
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &socket{file: f, raw: raw, fd: uintptr(fd)}, nil
}

// wake ends the reads and the writes that wait.
func (s *socket) wake() { _ = s.file.SetDeadline(time.Unix(1, 0)) }

// olderSockets are the sockets that Disconnect has replaced. They receive nothing
// more. Their queues are read before that of the present socket.
type olderSockets struct {
	some atomic.Bool
	mu   sync.Mutex
	list []*socket // the oldest first

	closing sync.WaitGroup // goroutines that close a socket
}

func (o *olderSockets) add(s *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, s)
	o.some.Store(true)
}

// oldest returns the oldest socket, or nil if there is none.
func (o *olderSockets) oldest() *socket {
	if !o.some.Load() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		return nil
	}
	return o.list[0]
}

// each calls f on the descriptors, the oldest first.
func (o *olderSockets) each(f func(fd uintptr)) {
	if !o.some.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.list {
		_ = s.raw.Control(f)
	}
}

// retireWait is how long retire waits for the read loop to leave a socket. The loop
// leaves at once, unless it is about to wait for its receiver.
const retireWait = 20 * time.Millisecond

// retire closes s, whose queue has been read. Closing a file waits for the read
// loop, which may wait for its receiver, so retire waits for the close no longer
// than retireWait.
func (o *olderSockets) retire(s *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.list, s); i >= 0 {
		o.list = slices.Delete(o.list, i, i+1)
		closed := make(chan struct{})
		o.closing.Go(func() {
			defer close(closed)
			s.file.Close()
		})
		select {
		case <-closed:
		case <-time.After(retireWait):
		}
	}
	o.some.Store(len(o.list) > 0)
}

// close closes all of them, and waits until their descriptors are free.
func (o *olderSockets) close() {
	for s := o.oldest(); s != nil; s = o.oldest() {
		o.retire(s)
	}
	o.closing.Wait()
}

// readable returns the socket to read next: one that Disconnect has replaced and
// whose queue is not empty, or else the present one.
func (c *conn) readable() *socket {
	if s := c.older.oldest(); s != nil {
		return s
	}
	return c.sock.Load()
}

// readWithoutWaiting runs read on the socket to read next. read does not wait, and
// sets found if it found something. If it did not, readWithoutWaiting goes on to
// the next socket.
func (c *conn) readWithoutWaiting(read func(fd uintptr), found *bool) error {
	for {
		s := c.readable()
		*found = false
		err := s.raw.Control(read)
		if err != nil || *found || s == c.sock.Load() {
			return err
		}
		c.older.retire(s)
	}
}
