//go:build linux

package linux

import (
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

const (
	// A burst is one send that the kernel, or the network card, cuts into
	// datagrams (UDP_SEGMENT, udp(7), Linux 4.18). Kernels before 6.9 take 64
	// segments. 65000 bytes leave room for the headers below 65535.
	maxSegments   = 64
	maxBurstBytes = 65000

	maxMessages = 64 // in one sendmmsg
	maxBursts   = 4  // of them bursts, each with a buffer
)

// sendBatch is what one sendmmsg needs, borrowed for the call.
type sendBatch struct {
	c    *conn
	ds   []kernel.Datagram
	sent int // of ds
	err  error

	verdict burstVerdict
	keeps   bool // the socket keeps the errors that sendmmsg does not tell

	hdrs    [maxMessages]mmsghdr
	iovs    [maxMessages]unix.Iovec
	names   [maxMessages]rawName
	control [maxMessages][controlSendSize / 8]uint64
	carries [maxMessages]int // datagrams in each message
	buffers [maxBursts][]byte
}

var sendBatches = sync.Pool{New: func() any { return new(sendBatch) }}

// SendBatch sends ds in order and without waiting. Runs of datagrams with one
// destination and size go as bursts, and all of them in as few calls as possible.
func (c *conn) SendBatch(ds []kernel.Datagram) (int, error) {
	if !c.acquire() {
		return 0, net.ErrClosed
	}
	o := sendBatches.Get().(*sendBatch)
	o.c, o.ds, o.sent, o.err, o.keeps = c, ds, 0, nil, false
	o.send(c.fd)
	if o.keeps {
		c.dropErrors(c.fd)
	}
	c.release()
	n, err := o.sent, o.err
	o.c, o.ds, o.err, o.verdict = nil, nil, nil, burstVerdict{}
	clear(o.iovs[:])
	sendBatches.Put(o)
	return n, err
}

// send calls the kernel until all datagrams are sent or one is refused. The
// datagrams of a refused burst are sent again one by one: the kernel has sent none
// of them. Errors of earlier datagrams that the calls return are reported as
// kernel.ErrPending.
func (o *sendBatch) send(fd uintptr) {
	v := &o.verdict
	*v = burstVerdict{}
	for o.sent < len(o.ds) {
		n := o.fillHeaders(fd)
		if n == 0 {
			return // the error is that of the first unsent datagram
		}
		if n > 1 && !o.keeps {
			o.keeps = o.c.keepErrors(fd)
		}
		o.c.writes.Add(1)
		got, errno := o.c.calls.sendmmsg(fd, o.hdrs[:n])
		switch {
		case errno == 0:
			// A short count has one of three causes. Only the next call shows
			// which.
			for _, carried := range o.carries[:got] {
				o.sent += carried
			}
			v.accepted(o.c)
			if got < n {
				v.met = v.met || o.c.errorQueue || o.keeps && o.c.keepSwallowed(fd)
			}
			if v.met && got < n {
				o.err = kernel.ErrPending
				return
			}
		case errno == unix.EINTR:
		case o.carries[0] > 1 && !o.c.calls.sendsControl(): // refused just now: no bursts from here
		case o.carries[0] > 1 && !noRoom(errno):
			v.refused(o.c, fd, &o.ds[o.sent], errno)
		default:
			o.err = callError("sendmmsg", errno)
			return
		}
	}
	if v.met {
		o.err = kernel.ErrPending
	}
}

// noRoom reports whether a send failed for want of room or memory.
func noRoom(errno syscall.Errno) bool {
	return errno == unix.EAGAIN || kernel.IsMemoryShort(errno)
}

// segmenting caches whether the kernel knows UDP_SEGMENT.
var segmenting struct {
	once sync.Once
	yes  bool
}

// segments reports whether the kernel knows UDP_SEGMENT. An older kernel ignores
// the control message and sends a burst as one long datagram.
func segments(fd uintptr) bool {
	segmenting.once.Do(func() {
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		segmenting.yes = err == nil
	})
	return segmenting.yes
}

// fillHeaders fills headers for the datagrams that are next.
func (o *sendBatch) fillHeaders(fd uintptr) (messages int) {
	allowGSO := segments(fd) && o.c.calls.sendsControl()
	buffers := 0
	for i := o.sent; i < len(o.ds) && messages < maxMessages; {
		d := &o.ds[i]
		run, bytes := 1, len(d.Data)
		if allowGSO {
			run, bytes = o.gsoRun(i)
		}
		if run > 1 && buffers == maxBursts {
			break
		}
		if !o.address(fd, messages, d) {
			return messages
		}
		control := unsafe.Slice((*byte)(unsafe.Pointer(&o.control[messages])), controlSendSize)
		oob, err := o.c.appendControls(control[:0], d)
		if err != nil {
			if messages == 0 {
				o.err = err
			}
			return messages
		}
		payload := d.Data
		if run > 1 {
			payload = o.coalesce(buffers, i, run, bytes)
			buffers++
			size := uint16(len(d.Data))
			oob = appendControl(oob, unix.SOL_UDP, unix.UDP_SEGMENT, unsafe.Slice((*byte)(unsafe.Pointer(&size)), 2))
		}
		o.message(messages, payload, oob)
		o.carries[messages] = run
		messages++
		i += run
	}
	return messages
}

// gsoRun returns how many datagrams from i on may go as one burst: they have one
// destination, the same control messages and one size, except that the last may be
// smaller.
func (o *sendBatch) gsoRun(i int) (n, bytes int) {
	first := &o.ds[i]
	size := len(first.Data)
	n, bytes = 1, size
	if size == 0 || len(first.More) > 0 || !o.c.bursts.allows(first) || o.verdict.splits(first) {
		return n, bytes
	}
	for n < maxSegments && i+n < len(o.ds) {
		d := &o.ds[i+n]
		if len(d.Data) == 0 || len(d.Data) > size || bytes+len(d.Data) > maxBurstBytes ||
			len(d.More) > 0 || d.To != first.To || !sameControl(d, first) {
			break
		}
		n++
		bytes += len(d.Data)
		if len(d.Data) < size {
			break
		}
	}
	return n, bytes
}

// sameControl reports whether two datagrams are sent with equal control
// messages.
func sameControl(d, o *kernel.Datagram) bool {
	return d.From == o.From && d.Interface == o.Interface && d.TOS == o.TOS && d.TTL == o.TTL
}

// coalesce copies a run into one buffer: one contiguous copy is cheaper than an
// iovec for each segment.
func (o *sendBatch) coalesce(buffer, i, run, bytes int) []byte {
	if o.buffers[buffer] == nil {
		o.buffers[buffer] = make([]byte, maxBurstBytes)
	}
	b := o.buffers[buffer][:0]
	for k := range run {
		b = append(b, o.ds[i+k].Data...)
	}
	return b[:bytes]
}

// address writes the destination of message m. It returns false if the zone of the
// destination is unknown. For the first message that is an error; otherwise the
// message is left for the next call.
func (o *sendBatch) address(fd uintptr, m int, d *kernel.Datagram) bool {
	h := &o.hdrs[m].hdr
	h.Name, h.Namelen = nil, 0
	if !d.To.IsValid() {
		return true
	}
	n, err := o.c.encode(fd, &o.names[m], d.To)
	if err != nil {
		if m == 0 {
			o.err = err
		}
		return false
	}
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&o.names[m])), n
	return true
}

func (o *sendBatch) message(m int, payload, oob []byte) {
	point(&o.iovs[m], payload)
	h := &o.hdrs[m].hdr
	h.Iov = &o.iovs[m]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(len(oob))
	if len(oob) > 0 {
		h.Control = unsafe.SliceData(oob)
	}
}
