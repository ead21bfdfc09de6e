//go:build unix || windows

package portable

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// System implements the kernel contract with package net.
//
// Compared with package linux it lacks batches (it makes one call for each
// datagram), offload, receive times, the error queue and the count of drops. What
// else a system lacks is errors.ErrUnsupported:
//
//   - OpenBSD and DragonFly have no dual-stack sockets: "udp6" is IPv6 alone.
//   - On Solaris and illumos package net has no control messages: no destination,
//     and no source to send from.
//   - Where the kernel could not remove a peer without removing the local address
//     too, sockets are connected in this package and not in the kernel: see
//     [conn.Connect]. ICMP errors are not reported then.
//   - On Windows Send may wait. An IPv6 socket cannot be bound to an IPv4 address.
type System struct{}

// IPv6 reports whether an IPv6 socket can be bound.
func (System) IPv6() bool {
	s, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		return false
	}
	s.Close()
	return true
}

// Open makes a socket: options first, then the user's Control, then bind and
// connect.
func (System) Open(cfg kernel.Config) (kernel.Conn, error) {
	c, err := open(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Remote.IsValid() {
		if err := c.Connect(cfg.Remote); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// conn is a socket in the poller of package net. The addresses that net keeps are
// not used: they are those of the time when the socket was made.
type conn struct {
	udp *net.UDPConn
	raw syscall.RawConn

	sending sync.RWMutex // of each call that sends; disconnect excludes them all

	inet6   bool       // AF_INET6
	v6only  bool       // IPV6_V6ONLY
	knowsTo bool       // the system was asked for the destination of each datagram
	group   netip.Addr // the group that the socket stands for, where the system binds to none

	peer      atomic.Pointer[netip.AddrPort] // the peer, if the kernel is not connected
	only      atomic.Pointer[netip.AddrPort] // the peer, if the kernel is connected; datagrams of others were queued before
	strangers atomic.Uint64                  // datagrams that reads have dropped
	peerIPv4  atomic.Bool                    // datagrams to the peer are IPv4
	shared    atomic.Bool                    // another descriptor reads from the same buffer
	closed    atomic.Bool

	pending  kernel.PendingErrors
	told     bool // the next receive returns kernel.ErrPending; the receiver's alone
	failures int  //nolint:unused // Windows: errnos in a row, where a receive cannot try again at once

	reads, writes atomic.Uint64

	drain   draining
	refusal refusal
}

// newConn takes ownership of s.
func newConn(s *net.UDPConn, network string, v6only bool) (*conn, error) {
	raw, err := s.SyscallConn()
	if err != nil {
		s.Close()
		return nil, xnetError(err)
	}
	return &conn{udp: s, raw: raw, inet6: network == "udp6", v6only: v6only}, nil
}

// Close ends the calls that wait and frees the descriptor.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	return xnetError(c.udp.Close())
}

// control runs f on the descriptor.
func (c *conn) control(f func(fd uintptr) error) error {
	var err error
	if gone := c.raw.Control(func(fd uintptr) { err = f(fd) }); gone != nil {
		return xnetError(gone)
	}
	return system(err)
}

// xnetError removes net's wrapping from an error. The addresses in it are stale,
// and package udp adds its own.
func xnetError(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return system(err)
}

// unsupported returns errors.ErrUnsupported with what the system lacks.
func unsupported(what string) error { return fmt.Errorf("%w: %s", errors.ErrUnsupported, what) }

// speaksIPv4 reports whether the socket sends and receives IPv4.
func (c *conn) speaksIPv4() bool { return !c.inet6 || !c.v6only }

// SetReadDeadline sets when reads that wait end. It has no effect on a socket that
// drains, whose reads do not wait.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	switch {
	case !c.drain.on.Load():
		c.drain.deadline = t
		return xnetError(c.udp.SetReadDeadline(t))
	case c.closed.Load():
		return net.ErrClosed
	}
	return nil
}

// Calls returns the number of system calls.
func (c *conn) Calls() kernel.Calls {
	return kernel.Calls{Read: c.reads.Load(), Write: c.writes.Load()}
}

// Drops returns 0: only Linux reports drops.
func (c *conn) Drops() uint64 { return 0 }

// isAsync reports whether err, the error of a receive call, is about an earlier
// datagram, and keeps it for NextRefusal. The next receive returns
// kernel.ErrPending.
func (c *conn) isAsync(err error, failures *int) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok || !kernel.IsAsync(errno, failures) {
		return false
	}
	c.pending.Add(kernel.Refusal{Errno: errno})
	c.told = true
	return true
}

// takeTold reports whether a receive has to return kernel.ErrPending, once.
func (c *conn) takeTold() bool {
	told := c.told
	c.told = false
	return told
}

// NextRefusal removes and returns the pending error of the socket. Only Linux has
// an error queue.
func (c *conn) NextRefusal() (r kernel.Refusal, ok bool) {
	if r, ok := c.pending.Next(); ok {
		return r, true
	}
	_ = c.control(func(fd uintptr) error {
		errno, err := getInt(fd, levelSocket, nameError)
		r.Errno, ok = syscall.Errno(errno), err == nil && errno != 0
		return nil
	})
	return r, ok
}

// Datagrams returns 1: only Linux makes several datagrams of one send.
func (c *conn) Datagrams(int, []byte) int { return 1 }

// SetOffload fails if it is to turn offload on, which no other system than Linux
// has.
func (c *conn) SetOffload(on bool) error {
	if on {
		return unsupported("receive offload")
	}
	return nil
}

// Dup returns a duplicate of the descriptor.
func (c *conn) Dup() (*os.File, error) {
	if !canDup {
		return nil, unsupported("duplicate of a socket")
	}
	f, err := c.udp.File()
	if err != nil {
		return nil, xnetError(err)
	}
	c.shared.Store(true)
	return f, nil
}

// SyscallConn gives access to the descriptor. The user may make a duplicate.
func (c *conn) SyscallConn() syscall.RawConn { return rawConn{c.raw, &c.shared} }

// Borrow gives access to the descriptor to code that makes no duplicate.
func (c *conn) Borrow() syscall.RawConn { return rawConn{c.raw, new(atomic.Bool)} }

// rawConn is the RawConn of package net without its wrapping of errors. It records
// that it was used.
type rawConn struct {
	raw  syscall.RawConn
	used *atomic.Bool
}

func (r rawConn) Control(f func(uintptr)) error {
	r.used.Store(true)
	return xnetError(r.raw.Control(f))
}

func (r rawConn) Read(f func(uintptr) bool) error {
	r.used.Store(true)
	return xnetError(r.raw.Read(f))
}

// Write tries again after a deadline: the only write deadline is that of SendWait,
// which is not meant for Write.
func (r rawConn) Write(f func(uintptr) bool) error {
	r.used.Store(true)
	for {
		err := r.raw.Write(f)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return xnetError(err)
		}
		runtime.Gosched() // SendWait is about to remove the deadline
	}
}
