//go:build linux

package linux

import (
	"os"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// ReadMsgs reads at least one datagram into ms. Each address is a net.Addr, so each
// datagram costs an allocation.
func (c *conn) ReadMsgs(ms []ipv4.Message, flags int) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	r := c.reading()
	r.ms, r.flags, r.n = ms[:min(len(ms), maxMessages)], flags, 0
	r.point()
	err := c.readMsg(r.many)
	if err == nil {
		err = r.err
	}
	n := r.n
	clear(r.hdrs[:len(r.ms)])
	clear(r.iovs)
	r.ms = nil
	switch {
	case err == errNothing && c.drain.on.Load():
		return 0, c.drain.ended()
	case err != nil:
		return 0, err
	}
	return n, nil
}

// point fills the headers for ms.
func (r *reading) point() {
	r.iovs = r.iovs[:0]
	for i := range r.ms {
		for _, b := range r.ms[i].Buffers {
			var v unix.Iovec
			point(&v, b)
			r.iovs = append(r.iovs, v)
		}
	}
	if len(r.hdrs) < len(r.ms) {
		r.hdrs, r.names = make([]mmsghdr, len(r.ms)), make([]rawName, len(r.ms))
	}
	iovs := r.iovs // append moves them no more
	for i := range r.ms {
		m, h := &r.ms[i], &r.hdrs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&r.names[i])), sizeofName
		h.Iov = unsafe.SliceData(iovs)
		h.SetIovlen(len(m.Buffers))
		h.Control = unsafe.SliceData(m.OOB)
		h.SetControllen(len(m.OOB))
		iovs = iovs[len(m.Buffers):]
	}
}

// errNothing is the error of a read with MSG_DONTWAIT when nothing is queued.
var errNothing = os.NewSyscallError("recvmmsg", unix.EAGAIN)

// readMany receives a batch. It returns false to wait for a datagram, unless the
// caller passed MSG_DONTWAIT.
func (r *reading) readMany(fd uintptr) bool {
	if r.c.rx.pending {
		return r.tellPending(fd)
	}
	for failures := 0; ; {
		r.c.reads.Add(1)
		n, errno := r.c.calls.recvmmsg(fd, r.hdrs[:len(r.ms)], r.flags|unix.MSG_DONTWAIT, false)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if r.tellPending(fd) {
				return true
			}
			if r.flags&unix.MSG_DONTWAIT == 0 {
				return false
			}
			r.err = errNothing
		case 0:
			r.n = n
		default:
			if r.c.isAsync(errno, &failures) {
				continue // queued datagrams come first
			}
			r.err = os.NewSyscallError("recvmmsg", errno)
		}
		read := r.n
		r.n = 0
		for i := range read {
			from := decode(fd, &r.names[i], &r.zones)
			if r.c.isStranger(from) {
				continue
			}
			r.ms[r.n], r.ms[i] = r.ms[i], r.ms[r.n]
			m, h := &r.ms[r.n], &r.hdrs[i]
			m.N, m.NN, m.Flags = int(h.len), int(h.hdr.Controllen), int(h.hdr.Flags)
			m.Addr = kernel.UDPAddr(from)
			r.n++
		}
		if read > 0 && r.n == 0 {
			r.point()
			continue
		}
		return true
	}
}
