//go:build linux && !dgram_portable

package kernel

import (
	"net/netip"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sending is one datagram on its way into the kernel: what sendmsg(2) needs,
// in one piece that is used again, with its callbacks bound once, so that
// sending allocates nothing.
type sending struct {
	c     *conn
	d     *Datagram
	oob   []byte
	zone  error
	errno syscall.Errno

	try  func(fd uintptr)      // for RawConn.Control
	wait func(fd uintptr) bool // for RawConn.Write

	hdr     unix.Msghdr
	iovs    []unix.Iovec
	name    rawName
	control [controlSendSize / 8]uint64
}

// controlSendSize is room for a packet info (40 bytes for IPv6) and the size
// of a segment (24).
const controlSendSize = 64

var sendings = sync.Pool{New: func() any {
	s := &sending{iovs: make([]unix.Iovec, 1)}
	s.try = s.send
	s.wait = func(fd uintptr) bool {
		s.send(fd)
		return s.errno != unix.EAGAIN
	}
	return s
}}

// sending takes the one that d has from an earlier send, or a shared one.
func (c *conn) sending(d *Datagram, oob []byte) *sending {
	s := d.kept
	if s == nil {
		s = sendings.Get().(*sending)
	}
	s.c, s.d, s.oob, s.zone, s.errno = c, d, oob, nil, 0
	return s
}

// result gives s back and says how it went.
func (s *sending) result() error {
	d, zone, errno := s.d, s.zone, s.errno
	if s.hdr.Iov != nil {
		clear(s.iovs)
		s.hdr = unix.Msghdr{}
	}
	s.c, s.d, s.oob = nil, nil, nil
	if d.kept != s {
		sendings.Put(s)
	}
	if zone != nil || errno == 0 {
		return zone
	}
	return callError("sendmsg", errno)
}

// Send hands d to the kernel without waiting. It goes through RawConn.Control,
// not Write: that one takes a lock which somebody who waits for room holds, and
// the kernel needs no lock of ours.
func (c *conn) Send(d *Datagram, oob []byte) error {
	if d.kept == nil && d.Keep {
		d.kept = sendings.Get().(*sending)
	}
	s := c.sending(d, oob)
	gone := c.raw.Control(s.try)
	err := s.result()
	if gone != nil {
		return c.gone(gone)
	}
	return err
}

// SendWait waits for room. The poller knows deadlines, not channels, so one
// that has passed stands in for stop.
func (c *conn) SendWait(d *Datagram, oob []byte, stop <-chan struct{}) error {
	over, watched := make(chan struct{}), make(chan struct{})
	stopped := false
	go func() {
		defer close(watched)
		select {
		case <-stop:
			stopped = true
			_ = c.file.SetWriteDeadline(time.Unix(1, 0))
		case <-over:
		}
	}()
	s := c.sending(d, oob)
	gone := c.raw.Write(s.wait)
	close(over)
	<-watched
	err := s.result()
	if stopped {
		_ = c.file.SetWriteDeadline(time.Time{})
		if gone != nil && !c.closed.Load() {
			return ErrStopped
		}
	}
	if gone != nil {
		return c.gone(gone)
	}
	return err
}

// send is the system call. One part to one address needs no header.
func (s *sending) send(fd uintptr) {
	d, c := s.d, s.c
	var name *rawName
	var namelen uint32
	if d.To.IsValid() {
		if namelen, s.zone = c.encode(fd, &s.name, d.To); s.zone != nil {
			return
		}
		name = &s.name
	}
	c.writes.Add(1)
	for {
		if len(d.More) == 0 && len(s.oob) == 0 && !d.From.IsValid() && d.Interface == 0 {
			_, _, s.errno = unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(d.Data))), uintptr(len(d.Data)),
				unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(name)), uintptr(namelen))
		} else {
			s.header(name, namelen)
			_, _, s.errno = unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&s.hdr)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}
		if s.errno != unix.EINTR {
			return
		}
	}
}

// header fills the message header.
func (s *sending) header(name *rawName, namelen uint32) {
	d := s.d
	if need := 1 + len(d.More); cap(s.iovs) < need {
		s.iovs = make([]unix.Iovec, need)
	} else {
		s.iovs = s.iovs[:need]
	}
	point(&s.iovs[0], d.Data)
	for i, part := range d.More {
		point(&s.iovs[i+1], part)
	}
	s.hdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(name)), Namelen: namelen, Iov: &s.iovs[0]}
	s.hdr.SetIovlen(len(s.iovs))
	oob := s.oob
	if len(oob) == 0 {
		oob = appendSource(unsafe.Slice((*byte)(unsafe.Pointer(&s.control)), controlSendSize)[:0], d.From, d.Interface, s.c.inet6 && !d.To.Addr().Is4())
	}
	if len(oob) > 0 {
		s.hdr.Control = unsafe.SliceData(oob)
		s.hdr.SetControllen(len(oob))
	}
}

func point(v *unix.Iovec, b []byte) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
}

// appendSource appends the control message that says from which address and
// interface to send (ip(7), ipv6(7)). IPv4 on a dual-stack socket takes IPv4's.
func appendSource(b []byte, from netip.Addr, index int, inet6 bool) []byte {
	if !from.IsValid() && index == 0 {
		return b
	}
	if inet6 && !from.Is4() {
		info := unix.Inet6Pktinfo{Ifindex: uint32(index)}
		if from.IsValid() {
			info.Addr = from.As16()
		}
		return appendControl(b, unix.SOL_IPV6, unix.IPV6_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet6Pktinfo))
	}
	info := unix.Inet4Pktinfo{Ifindex: int32(index)}
	if from.IsValid() {
		info.Spec_dst = from.As4()
	}
	return appendControl(b, unix.SOL_IP, unix.IP_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet4Pktinfo))
}

// appendControl appends one control message with its padding.
func appendControl(b []byte, level, kind int, data []byte) []byte {
	start := len(b)
	b = b[:start+unix.CmsgSpace(len(data))]
	clear(b[start:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[start]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[start+unix.CmsgLen(0):], data)
	return b
}
