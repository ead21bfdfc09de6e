//go:build linux

package linux

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// conn is a socket of our own, in the runtime's poller by way of os.File.
//
// Every receive and send carries MSG_DONTWAIT, because O_NONBLOCK belongs to
// the open description: another process that shares it may clear it.
type conn struct {
	sock  atomic.Pointer[socket]
	older olderSockets
	kept  keptCalls

	// Sends that do not wait call the kernel on fd itself. The poller would keep fd
	// open too, behind three more functions: after a system call the processor
	// mispredicts the return from each of them, and that costs more than the lock.
	fd    uintptr
	using sync.RWMutex // held for reading to use fd or change options; for writing to set closed, or replace the socket

	inet6  bool // AF_INET6
	v6only bool

	errorQueue bool // IP_RECVERR is on: the error queue has to be emptied
	packetInfo bool // the kernel was asked for the destination of each datagram

	connected  atomic.Bool
	peerIPv4   atomic.Bool                    // datagrams to the peer are IPv4
	only       atomic.Pointer[netip.AddrPort] // the peer: reads drop what others sent before Connect
	peerDevice atomic.Pointer[peerDevice]     // what Connect has done to the device
	strangers  atomic.Uint64                  // datagrams that reads have dropped
	shared     atomic.Bool                    // another descriptor reads from the same buffer
	exposed    atomic.Bool                    // the descriptor was lent out: there may be another
	closed     atomic.Bool

	bursts refusedBursts

	reads, writes atomic.Uint64
	dropped       dropCounter

	rx      receiving // the one receiver
	drain   draining
	calls   syscalls
	offload offload
	pending kernel.PendingErrors
	flood   errorFlood // of the error queue

	swallowed swallowed // errors that sendmmsg does not return
}

// newConn takes ownership of fd, also when it fails.
func newConn(fd int, cfg kernel.Config) (*conn, error) {
	if err := pollable(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	c := &conn{
		fd:     uintptr(fd),
		inet6:  cfg.Network == "udp6",
		v6only: cfg.IPv6Only,

		errorQueue: cfg.ICMPErrors,
		packetInfo: cfg.PacketInfo != kernel.Off,
	}
	sock, err := newSocket(fd, cfg.Network)
	if err != nil {
		return nil, err
	}
	c.sock.Store(sock)
	if err := c.usable(); err != nil {
		c.sock.Load().file.Close()
		return nil, err
	}
	c.rx.most, c.rx.step, c.rx.now = firstBatch, c.read, c.readNow
	return c, nil
}

// usable returns an error if the kernel refuses a call that no other call can
// replace.
func (c *conn) usable() error {
	if err := c.calls.ask(); err != nil {
		return err
	}
	if c.sock.Load().file.SetDeadline(time.Time{}) == nil {
		return nil
	}
	// The descriptor is not in the poller, so nothing could wake a read. The error
	// is that of fcntl if that failed: package os calls fcntl before it adds a
	// descriptor to the poller.
	if _, err := unix.FcntlInt(c.fd, unix.F_GETFL, 0); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	return os.NewSyscallError("epoll_ctl", unix.EPERM)
}

// Close ends the calls that wait and frees the descriptor. It unlocks before it
// closes the file: closing waits for the read loop, which may be about to send and
// needs the lock.
func (c *conn) Close() error {
	c.using.Lock()
	again := c.closed.Swap(true)
	c.using.Unlock()
	if again {
		return net.ErrClosed
	}
	c.flood.close()
	c.closeRoute()
	c.older.close()
	return c.sock.Load().file.Close()
}

// acquire keeps fd open until release. It is false after Close.
func (c *conn) acquire() bool {
	c.using.RLock()
	if c.closed.Load() {
		c.using.RUnlock()
		return false
	}
	return true
}

func (c *conn) release() { c.using.RUnlock() }

// mapClosed maps the poller's errors after Close to net.ErrClosed.
func (c *conn) mapClosed(err error) error {
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case c.closed.Load():
		return net.ErrClosed
	}
	return err
}

// control runs f on the descriptor and names the system call that failed.
func (c *conn) control(call string, f func(fd uintptr) error) error {
	var err error
	if closed := c.Borrow().Control(func(fd uintptr) { err = f(fd) }); closed != nil {
		return closed
	}
	return os.NewSyscallError(call, err)
}

// withAddr runs f with a as the kernel writes it.
func (c *conn) withAddr(call string, a netip.AddrPort, f func(uintptr, *rawName, uint32) syscall.Errno) error {
	var zone error
	err := c.control(call, func(fd uintptr) error {
		var name rawName
		var n uint32
		if n, zone = c.encode(fd, &name, a); zone != nil {
			return nil
		}
		if errno := f(fd, &name, n); errno != 0 {
			return errno
		}
		return nil
	})
	if zone != nil {
		return zone
	}
	return err
}

// LocalAddr asks the kernel each time, because connecting changes the address.
func (c *conn) LocalAddr() (a netip.AddrPort, err error) {
	err = c.control("getsockname", func(fd uintptr) error {
		sa, err := unix.Getsockname(int(fd))
		a = fromSockaddr(fd, sa)
		return err
	})
	return a, err
}

// RemoteAddr asks the kernel.
func (c *conn) RemoteAddr() (a netip.AddrPort, err error) {
	err = c.control("getpeername", func(fd uintptr) error {
		sa, err := unix.Getpeername(int(fd))
		a = fromSockaddr(fd, sa)
		return err
	})
	return a, err
}

// Index resolves a zone in the network namespace of the socket.
func (c *conn) Index(zone string) (index int, err error) {
	if closed := c.sock.Load().raw.Control(func(fd uintptr) { index, err = zoneIndex(fd, zone) }); closed != nil {
		return 0, c.mapClosed(closed)
	}
	return index, err
}

// SetReadDeadline sets when reads that wait end. It has no effect on a socket that
// drains, whose reads do not wait.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	c.drain.deadline = t
	switch {
	case c.drain.interrupted && !c.closed.Load():
		return nil // resumed sets it
	case !c.drain.on.Load():
		return c.mapClosed(c.sock.Load().file.SetReadDeadline(t))
	case c.closed.Load():
		return net.ErrClosed
	}
	return nil
}

// Calls returns the number of system calls.
func (c *conn) Calls() kernel.Calls {
	return kernel.Calls{Read: c.reads.Load(), Write: c.writes.Load()}
}

// Strangers returns how many datagrams reads dropped because they were not from the
// peer.
func (c *conn) Strangers() uint64 { return c.strangers.Load() }
