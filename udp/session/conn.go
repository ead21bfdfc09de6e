package session

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"example.com/dgram/udp"
)

// A conn is a session as a net.Conn, and as a net.PacketConn with one peer.
type conn struct {
	c           *Session
	closed      atomic.Bool // by Close of this conn
	read, write deadline
}

var (
	_ net.Conn       = (*conn)(nil)
	_ net.PacketConn = (*conn)(nil)
)

func newConn(c *Session) *conn {
	v := &conn{c: c}
	v.read.fired, v.write.fired = make(chan struct{}), make(chan struct{})
	return v
}

// Read takes one datagram. Like that of net.UDPConn it takes none for an empty
// buffer, and tells the end.
func (v *conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, v.readError()
	}
	m, err := v.receive()
	if err != nil {
		return 0, err
	}
	n := copy(b, m.Data)
	m.Release()
	return n, nil
}

func (v *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	m, err := v.receive()
	if err != nil {
		return 0, nil, err
	}
	n := copy(b, m.Data)
	m.Release()
	return n, v.RemoteAddr(), nil
}

// readError returns what a read that takes nothing finds: nil, or the end.
func (v *conn) readError() error {
	err := v.c.atEnd()
	if v.closed.Load() {
		err = net.ErrClosed
	}
	if err != nil {
		err = v.c.opError("read", err)
	}
	return err
}

// receive waits for a datagram, the deadline or the end.
func (v *conn) receive() (m udp.Message, err error) {
	for {
		stop := v.read.done()
		if v.closed.Load() {
			return m, v.c.opError("read", net.ErrClosed)
		}
		if isClosed(stop) && !v.c.over.Load() {
			return m, v.c.opError("read", os.ErrDeadlineExceeded)
		}
		m, wait, err := v.c.next()
		if err != nil {
			return m, v.c.opError("read", err)
		}
		if wait == nil {
			return m, nil
		}
		select {
		case <-wait:
		case <-stop:
		}
	}
}

func (v *conn) Write(b []byte) (int, error) {
	stop := v.write.done()
	err := v.c.sendError()
	if err == nil && isClosed(stop) {
		err = os.ErrDeadlineExceeded
	}
	if err == nil {
		err = v.c.Send(writing{stop}, b)
	}
	if err != nil {
		return 0, v.writeError(err)
	}
	return len(b), nil
}

// writeError shapes an error of Send as net's Write does.
func (v *conn) writeError(err error) error {
	if end := v.c.sendError(); end != nil {
		err = end // the session's end is the cause, also of a deadline that woke the call
	}
	if op, ok := err.(*net.OpError); ok {
		err = op.Err
	}
	return v.c.opError("write", err)
}

// WriteTo writes to the peer, which addr has to name.
func (v *conn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok || to == nil || canonical(to.AddrPort()) != v.c.peer {
		return 0, &net.OpError{Op: "write", Net: v.c.mux.socket.Network(), Source: v.LocalAddr(), Addr: addr, Err: net.ErrWriteToConnected}
	}
	return v.Write(b)
}

// Close ends the session.
func (v *conn) Close() error {
	v.closed.Store(true)
	return v.c.Close()
}

// stop wakes the calls that wait: the session has ended.
func (v *conn) stop() {
	v.read.stop()
	v.write.stop()
}

func (v *conn) LocalAddr() net.Addr  { return udpAddr(v.c.localAddr()) }
func (v *conn) RemoteAddr() net.Addr { return udpAddr(v.c.peer) }

func udpAddr(a netip.AddrPort) net.Addr { return net.UDPAddrFromAddrPort(a) }

func (v *conn) SetDeadline(t time.Time) error {
	if err := v.SetReadDeadline(t); err != nil {
		return err
	}
	return v.SetWriteDeadline(t)
}

func (v *conn) SetReadDeadline(t time.Time) error  { return v.setDeadline(&v.read, t) }
func (v *conn) SetWriteDeadline(t time.Time) error { return v.setDeadline(&v.write, t) }

func (v *conn) setDeadline(d *deadline, t time.Time) error {
	if err := v.c.sendError(); err != nil {
		return v.c.opError("set", err)
	}
	d.set(t)
	return nil
}

// writing is a context that ends at the write deadline.
type writing struct{ stop <-chan struct{} }

func (writing) Deadline() (time.Time, bool) { return time.Time{}, false }
func (w writing) Done() <-chan struct{}     { return w.stop }
func (writing) Value(any) any               { return nil }

func (w writing) Err() error {
	if isClosed(w.stop) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

var _ context.Context = writing{}
