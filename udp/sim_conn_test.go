package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// change does something to the socket and tells those who wait.
func (c *simConn) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.ring()
}

// ease makes room in the send buffer. Those who wait have not heard of it.
func (c *simConn) ease() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.space = 1 << 30
}

// texts is what was sent.
func (c *simConn) texts() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, s := range c.sent {
		all = append(all, string(s.data))
	}
	return fmt.Sprint(all)
}

// Strangers counts nothing: the buffer has none.
func (c *simConn) Strangers() uint64 { return 0 }

// Borrow is SyscallConn.
func (c *simConn) Borrow() syscall.RawConn { return c.SyscallConn() }

// Queued reports whether the buffer holds a packet.
func (c *simConn) Queued() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buffer) > 0
}

// Drain makes the socket deaf.
func (c *simConn) Drain() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	c.draining = true
	c.ring()
	return nil
}

func (c *simConn) Connect(peer netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return net.ErrClosed
	}
	if err := c.unconnected; err != nil {
		c.unconnected = nil
		return os.NewSyscallError("connect", err)
	}
	if peer.Addr() == c.k.unreachable {
		return os.NewSyscallError("connect", syscall.ENETUNREACH)
	}
	c.peer = peer
	return nil
}

func (c *simConn) Disconnect(netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = netip.AddrPort{}
	return nil
}

func (c *simConn) LocalAddr() (netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return netip.AddrPort{}, net.ErrClosed
	}
	return c.local, nil
}

func (c *simConn) RemoteAddr() (netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.peer.IsValid() {
		return netip.AddrPort{}, os.NewSyscallError("getpeername", syscall.ENOTCONN)
	}
	return c.peer, nil
}

func (c *simConn) Index(zone string) (int, error)     { return 0, kernel.ZoneError(zone) }
func (c *simConn) SetOption(kernel.Option, int) error { return nil }
func (c *simConn) Option(kernel.Option) (int, error)  { return 0, nil }
func (c *simConn) SyscallConn() syscall.RawConn       { return nil }
func (c *simConn) Dup() (*os.File, error)             { return nil, errors.ErrUnsupported }
func (c *simConn) Datagrams(int, []byte) int          { return 1 }

func (c *simConn) SetOffload(on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offload = on
	return nil
}

func (c *simConn) Drops() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

func (c *simConn) Calls() kernel.Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *simConn) NextRefusal() (kernel.Refusal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) == 0 {
		return kernel.Refusal{}, false
	}
	r := c.refusals[0]
	c.refusals = c.refusals[1:]
	return r, true
}

func (c *simConn) Discard() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared {
		return 0
	}
	n := c.queued
	c.buffer, c.queued = nil, 0
	return uint64(n)
}

func (c *simConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes++; c.closes > 1 {
		c.t.Errorf("socket %d: closed %d times", c.index, c.closes)
		return net.ErrClosed
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.ring()
	return nil
}

// String is for messages of tests.
func (c *simConn) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("socket %d: %d arrived, %d wait, %d sent, room for %d", c.index, c.arrived, c.queued, len(c.sent), c.space)
}
