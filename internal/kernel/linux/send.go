//go:build linux

package linux

import (
	"net"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// SendTo sends one datagram without waiting. The address is on the stack, so that
// SendTo does not allocate.
func (c *conn) SendTo(b []byte, to netip.AddrPort) error {
	if !c.acquire() {
		return net.ErrClosed
	}
	var err error
	if c.drain.sourceless.Load() {
		err = c.send(&kernel.Datagram{Data: b, To: to}, nil)
	} else {
		err = c.sendto(b, to)
	}
	c.release()
	return err
}

// Send sends d without waiting. A sender that waits in SendWait does not hold it
// up.
func (c *conn) Send(d *kernel.Datagram, oob []byte) error {
	if !c.acquire() {
		return net.ErrClosed
	}
	err := c.send(d, oob)
	c.release()
	return err
}

// SendWait waits for room. The poller waits for deadlines and not for channels, so
// when stop closes, an expired write deadline ends the wait. The write deadline
// belongs to SendWait alone: it has one caller at a time, and removes the deadline
// before it returns.
func (c *conn) SendWait(d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	over, watched := make(chan struct{}), make(chan struct{})
	stopped := false
	go func() {
		defer close(watched)
		select {
		case <-stop:
			stopped = true
			for s := (*socket)(nil); s != c.sock.Load(); { // Disconnect may replace the socket
				s = c.sock.Load()
				_ = s.file.SetWriteDeadline(time.Unix(1, 0))
			}
		case <-over:
		}
	}()
	var err error = kernel.ErrStopped // where stop is closed before the first attempt
	var closed error
	for s := (*socket)(nil); s != c.sock.Load() && (s == nil || closed != nil) && !isClosed(stop); {
		s = c.sock.Load()
		closed = s.raw.Write(func(uintptr) bool {
			c.using.RLock() // not while Disconnect replaces the socket
			defer c.using.RUnlock()
			err = c.send(d, oob)
			return err != errEAGAIN
		})
	}
	close(over)
	<-watched
	if stopped {
		_ = c.sock.Load().file.SetWriteDeadline(time.Time{})
		if closed != nil && !c.closed.Load() {
			return kernel.ErrStopped
		}
	}
	if closed != nil {
		return c.mapClosed(closed)
	}
	return err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send makes the system call for any datagram. A datagram of one part without
// control messages needs no header.
func (c *conn) send(d *kernel.Datagram, oob []byte) (err error) {
	if len(d.More) == 0 && len(oob) == 0 && !c.needsControl(d) {
		return c.sendto(d.Data, d.To)
	}
	var name rawName
	var hdr unix.Msghdr
	if d.To.IsValid() {
		if hdr.Namelen, err = c.encode(c.fd, &name, d.To); err != nil {
			return err
		}
		hdr.Name = (*byte)(unsafe.Pointer(&name))
	}
	var few [8]unix.Iovec
	iovs := few[:]
	if n := 1 + len(d.More); n > len(few) {
		iovs = make([]unix.Iovec, n)
	}
	point(&iovs[0], d.Data)
	for i, part := range d.More {
		point(&iovs[i+1], part)
	}
	hdr.Iov = &iovs[0]
	hdr.SetIovlen(1 + len(d.More))
	var control [controlSendSize / 8]uint64 // aligned for struct cmsghdr
	if len(oob) == 0 {
		if oob, err = c.appendControls(unsafe.Slice((*byte)(unsafe.Pointer(&control)), controlSendSize)[:0], d); err != nil {
			return err
		}
	}
	if len(oob) > 0 {
		hdr.Control = unsafe.SliceData(oob)
		hdr.SetControllen(len(oob))
	}
	c.writes.Add(1)
	for {
		if errno := c.calls.sendmsg(c.fd, &hdr); errno != unix.EINTR {
			return callError("sendmsg", errno)
		}
	}
}

// sendto makes the system call for one part. Without an address the datagram goes
// to the peer.
func (c *conn) sendto(b []byte, to netip.AddrPort) (err error) {
	var name rawName
	var at *rawName
	var size uint32
	if to.IsValid() {
		if size, err = c.encode(c.fd, &name, to); err != nil {
			return err
		}
		at = &name
	}
	c.writes.Add(1)
	for {
		if errno := c.calls.sendto(c.fd, b, at, size); errno != unix.EINTR {
			return callError("sendto", errno)
		}
	}
}

func point(v *unix.Iovec, b []byte) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
}
