package udp_test

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
)

// stub is the machine's own kernel, but for what a test changes.
type stub struct {
	host.System
	noIPv6 bool
	dress  func(kernel.Conn) kernel.Conn
}

func (s stub) IPv6() bool { return !s.noIPv6 && s.System.IPv6() }

func (s stub) Open(c kernel.Config) (kernel.Conn, error) {
	conn, err := s.System.Open(c)
	if err != nil || s.dress == nil {
		return conn, err
	}
	return s.dress(conn), nil
}

// flakySystem fails to open a socket a number of times.
type flakySystem struct {
	host.System
	failures int
}

func (f *flakySystem) Open(c kernel.Config) (kernel.Conn, error) {
	if f.failures > 0 {
		f.failures--
		return nil, os.NewSyscallError("socket", syscall.EMFILE)
	}
	return f.System.Open(c)
}

// countingSystem counts what it opens.
type countingSystem struct {
	host.System
	opened atomic.Int64
}

func (c *countingSystem) Open(cfg kernel.Config) (kernel.Conn, error) {
	c.opened.Add(1)
	return c.System.Open(cfg)
}

// deafConn fails to read a number of times.
type deafConn struct {
	kernel.Conn
	mu   sync.Mutex
	errs []error
}

func (d *deafConn) Receive(s kernel.Sink, once bool) error {
	d.mu.Lock()
	if len(d.errs) > 0 {
		err := d.errs[0]
		d.errs = d.errs[1:]
		d.mu.Unlock()
		return err
	}
	d.mu.Unlock()
	return d.Conn.Receive(s, once)
}

func (d *deafConn) TryReceive(s kernel.Sink) error {
	d.mu.Lock()
	if len(d.errs) > 0 {
		err := d.errs[0]
		d.errs = d.errs[1:]
		d.mu.Unlock()
		return err
	}
	d.mu.Unlock()
	return d.Conn.TryReceive(s)
}

// deaf is a system whose sockets read these errors first.
func deaf(errs ...error) stub {
	return stub{dress: func(c kernel.Conn) kernel.Conn { return &deafConn{Conn: c, errs: errs} }}
}

// call is an errno as a system call returns it.
func call(name string, errno syscall.Errno) error { return os.NewSyscallError(name, errno) }

// muteConn fails to send with what say returns, unless that is nil.
type muteConn struct {
	kernel.Conn
	say func(d *kernel.Datagram) error
}

func (m *muteConn) Send(d *kernel.Datagram, oob []byte) error {
	if err := m.say(d); err != nil {
		return err
	}
	return m.Conn.Send(d, oob)
}

func (m *muteConn) SendTo(b []byte, to netip.AddrPort) error {
	return m.Send(&kernel.Datagram{Data: b, To: to}, nil)
}

func (m *muteConn) SendBatch(ds []kernel.Datagram) (int, error) {
	for i := range ds {
		if err := m.Send(&ds[i], nil); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

// mute is a system whose sockets fail to send.
func mute(say func(d *kernel.Datagram) error) stub {
	return stub{dress: func(c kernel.Conn) kernel.Conn { return &muteConn{Conn: c, say: say} }}
}

// A jam is a kernel whose send buffers are full until it is cleared. When it
// eases there is room again, but those who wait have not heard of it yet.
type jam struct {
	eased   atomic.Bool
	cleared chan struct{}
	waiting atomic.Int64 // senders that have ever waited for room
}

func jammed() (stub, *jam) {
	j := &jam{cleared: make(chan struct{})}
	return stub{dress: func(c kernel.Conn) kernel.Conn {
		return &jammedConn{Conn: c, jam: j, closed: make(chan struct{})}
	}}, j
}

func (j *jam) clear() { close(j.cleared) }

type jammedConn struct {
	kernel.Conn
	*jam
	closed chan struct{}
}

func (j *jammedConn) full() bool {
	select {
	case <-j.cleared:
		return false
	default:
		return !j.eased.Load()
	}
}

func (j *jammedConn) Send(d *kernel.Datagram, oob []byte) error {
	if j.full() {
		return call("sendmsg", syscall.EAGAIN)
	}
	return j.Conn.Send(d, oob)
}

func (j *jammedConn) SendTo(b []byte, to netip.AddrPort) error {
	return j.Send(&kernel.Datagram{Data: b, To: to}, nil)
}

func (j *jammedConn) SendBatch(ds []kernel.Datagram) (int, error) {
	if j.full() {
		return 0, call("sendmmsg", syscall.EAGAIN)
	}
	return j.Conn.SendBatch(ds)
}

func (j *jammedConn) SendWait(d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	j.waiting.Add(1)
	select {
	case <-j.cleared:
		return j.Conn.SendWait(d, oob, stop)
	case <-stop:
		return kernel.ErrStopped
	case <-j.closed:
		return net.ErrClosed
	}
}

func (j *jammedConn) Close() error {
	close(j.closed)
	return j.Conn.Close()
}
