//go:build linux

package linux

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/slab"
)

const (
	// batchSize is how many packets one receive call may bring. Between 8 and 128
	// the cost of each is the same. 16 keeps the call short and the scratch at 1
	// MiB, of which ordinary traffic touches a page or two in each slot.
	batchSize = 16

	// firstBatch is how many packets the first call after a wait may bring. Mostly
	// one is queued, and the memory of unused slots is never touched.
	firstBatch = 4

	// controlSize is room for every control message that we ask for: on a
	// dual-stack socket an IPv4 datagram brings both packet infos (40 + 32
	// bytes), a time (32), both traffic classes (24 + 24), and the size of a
	// segment (24).
	controlSize = 256
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// scratch is the memory of one receive call. A reader borrows it while datagrams
// are queued and returns it before it waits, so that an idle socket has none. A
// slot has room for a whole burst: UDP_GRO drops the part of a burst that does not
// fit.
type scratch struct {
	hdrs    [batchSize]mmsghdr
	iovs    [batchSize]unix.Iovec
	names   [batchSize]rawName
	control [batchSize][controlSize / 8]uint64 // aligned for struct cmsghdr
	packets [batchSize]kernel.Packet
	blocks  [batchSize]*slab.Block
	slab    slab.Writer
	zones   zoneCache
	batch   kernel.Batch
}

func newScratch() *scratch {
	s := new(scratch)
	for i := range s.hdrs {
		h := &s.hdrs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
		h.Iov = &s.iovs[i]
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(&s.control[i]))
		h.Namelen = sizeofName
		h.SetControllen(controlSize)
		s.iovs[i].SetLen(slab.Size)
	}
	return s
}

// receive reads up to n packets and never waits. A short call goes without
// entersyscall, with which the runtime prepares for a long call.
func (s *scratch) receive(k *syscalls, fd uintptr, n int, short bool) (int, syscall.Errno) {
	for i := range n {
		if s.blocks[i] == nil {
			s.blocks[i] = slab.Take()
			s.iovs[i].Base = &s.blocks[i].Window(i)[0]
		}
	}
	return k.recvmmsg(fd, s.hdrs[:n], unix.MSG_DONTWAIT, short || n <= firstBatch)
}

// parse fills the batch from what receive read, resets the headers for the next
// call, and returns the number of bytes.
func (s *scratch) parse(c *conn, fd uintptr, n int) (bytes int32) {
	for i := range n {
		m, p := &s.hdrs[i], &s.packets[i]
		bytes += int32(m.len)
		*p = kernel.Packet{}
		p.Data = s.blocks[i].Window(i)[:m.len]
		p.From = decode(fd, &s.names[i], &s.zones)
		p.Truncated = m.hdr.Flags&unix.MSG_TRUNC != 0
		if controllen := int(m.hdr.Controllen); controllen > 0 {
			raw := unsafe.Slice((*byte)(unsafe.Pointer(&s.control[i])), controlSize)
			if drops, ok := parseControl(raw[:min(controllen, controlSize)], p); ok {
				c.dropped.advance(func() (uint32, bool) { return drops, true })
			}
			if p.To.Is6() && p.To.IsLinkLocalUnicast() && p.Interface != 0 {
				p.To = p.To.WithZone(s.zones.name(fd, p.Interface))
			}
		}
		m.hdr.Namelen = sizeofName
		m.hdr.SetControllen(controlSize)
	}
	if only := c.only.Load(); only != nil {
		n = s.passOver(c, *only, n)
	}
	s.batch = kernel.NewBatch(s.packets[:n], s.blocks[:], &s.slab)
	return bytes
}

// scratches are the free ones. Unlike those of a sync.Pool they survive garbage
// collection, so that their pages stay in memory. There are never more than the
// readers that were busy at one time, and at most maxScratches of them are kept,
// besides the last.
var scratches struct {
	last atomic.Pointer[scratch] // enough where one reader is busy
	mu   sync.Mutex
	free []*scratch
}

const maxScratches = 16

func borrow() *scratch {
	if s := scratches.last.Swap(nil); s != nil {
		return s
	}
	scratches.mu.Lock()
	if n := len(scratches.free); n > 0 {
		s := scratches.free[n-1]
		scratches.free[n-1] = nil
		scratches.free = scratches.free[:n-1]
		scratches.mu.Unlock()
		return s
	}
	scratches.mu.Unlock()
	return newScratch()
}

func (s *scratch) giveBack() {
	s.batch.Packets = nil
	if scratches.last.CompareAndSwap(nil, s) {
		return
	}
	scratches.mu.Lock()
	defer scratches.mu.Unlock()
	if len(scratches.free) < maxScratches {
		scratches.free = append(scratches.free, s)
	}
}

// passOver removes the packets that are not from the peer. It keeps the order of
// the others.
func (s *scratch) passOver(c *conn, only netip.AddrPort, n int) (left int) {
	for i := range n {
		if s.packets[i].From != only {
			c.strangers.Add(uint64(s.packets[i].Datagrams()))
			continue
		}
		if left != i {
			s.packets[left], s.packets[i] = s.packets[i], kernel.Packet{}
			s.blocks[left], s.blocks[i] = s.blocks[i], s.blocks[left]
			for _, k := range []int{left, i} {
				s.iovs[k].Base = &s.blocks[k].Window(k)[0]
			}
		}
		left++
	}
	return left
}
