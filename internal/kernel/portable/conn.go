//go:build unix || windows

package portable

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

// System is the system that the program runs on: here one that is reached by way
// of package net.
//
// Against Linux' own implementation it lacks batches (one datagram for each
// call), offload, receive times, the error queue and the count of what the
// kernel dropped. What else a system cannot do is errors.ErrUnsupported:
//
//   - OpenBSD and DragonFly have no dual-stack sockets: "udp6" is IPv6 there.
//   - Solaris and illumos hand out no control messages: no destination, no
//     source to send from.
//   - Where the kernel could not forget a peer without forgetting the address
//     too, connecting is done here: see [conn.Connect]. ICMP refusals are then
//     not heard.
//   - Windows cannot try to send without waiting: Send may wait there. An IPv6
//     socket cannot be bound to an IPv4 address.
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

// conn is a socket in net's poller. net's idea of its addresses is not asked:
// it is from when the socket was made.
type conn struct {
	udp *net.UDPConn
	raw syscall.RawConn

	inet6   bool       // AF_INET6
	v6only  bool       // and nothing else
	knowsTo bool       // the system was asked for the destination of each datagram
	group   netip.Addr // what it was bound to, where the system would not have it

	peer      atomic.Pointer[netip.AddrPort] // whom it is connected to, where the kernel does not know
	only      atomic.Pointer[netip.AddrPort] // whom the kernel has connected it to: others' datagrams were queued before
	strangers atomic.Uint64                  // that were passed over
	peerIPv4  atomic.Bool                    // what goes to the peer is IPv4
	shared    atomic.Bool                    // another descriptor reads from the same buffer
	closed    atomic.Bool

	pending  kernel.PendingErrors
	told     bool // the next receive returns kernel.ErrPending; of the one receiver
	failures int  //nolint:unused // Windows: errnos in a row, where a receive cannot try again at once

	reads, writes atomic.Uint64

	drain   draining
	refusal refusal
}

// newConn takes s over.
func newConn(s *net.UDPConn, network string, v6only bool) (*conn, error) {
	raw, err := s.SyscallConn()
	if err != nil {
		s.Close()
		return nil, xnetError(err)
	}
	return &conn{udp: s, raw: raw, inet6: network == "udp6", v6only: v6only}, nil
}

// Close wakes whoever waits and frees the descriptor.
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

// xnetError takes net's wrapping off an error: the addresses in it are stale, and
// package udp has its own.
func xnetError(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return system(err)
}

// unsupported says what the system lacks.
func unsupported(what string) error { return fmt.Errorf("%w: %s", errors.ErrUnsupported, what) }

// speaksIPv4 reports whether IPv4 datagrams go through the socket.
func (c *conn) speaksIPv4() bool { return !c.inet6 || !c.v6only }

// SetReadDeadline ends reads that wait. On a socket that drains none does.
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

// Calls counts the system calls.
func (c *conn) Calls() kernel.Calls {
	return kernel.Calls{Read: c.reads.Load(), Write: c.writes.Load()}
}

// Drops is 0: no system but Linux says.
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

// NextRefusal takes the pending error of the socket off. Only Linux keeps an error
// queue.
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

// Datagrams is 1: only Linux makes many of one send.
func (c *conn) Datagrams(int, []byte) int { return 1 }

// SetOffload fails unless it asks for what is so anyway.
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

// SyscallConn gives the descriptor to others.
func (c *conn) SyscallConn() syscall.RawConn { return rawConn{c.raw, &c.shared} }

// Borrow gives the descriptor to code that keeps no duplicate.
func (c *conn) Borrow() syscall.RawConn { return rawConn{c.raw, new(atomic.Bool)} }

// rawConn is net's with plain errors. It notes that it was used.
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

// Write goes on after a deadline: the only one that a write can meet is SendWait's,
// for itself.
func (r rawConn) Write(f func(uintptr) bool) error {
	r.used.Store(true)
	for {
		err := r.raw.Write(f)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return xnetError(err)
		}
		runtime.Gosched() // SendWait takes the deadline back
	}
}
