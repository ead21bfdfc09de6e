//go:build linux && !dgram_portable

package kernel

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A dropCounter makes a 64-bit count of the kernel's 32-bit one, which wraps.
type dropCounter struct {
	mu    sync.Mutex
	last  uint32
	total uint64
}

func (d *dropCounter) reset(now uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = now
}

// advance asks what the count is now, one caller after the other: an answer that
// is older than the last would look like one that has wrapped.
func (d *dropCounter) advance(ask func() (now uint32, ok bool)) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now, ok := ask(); ok {
		d.total += uint64(now - d.last)
		d.last = now
	}
	return d.total
}

// Drops counts what the kernel dropped. SO_MEMINFO is current at any time;
// SO_RXQ_OVFL would tell only with the next datagram that fits.
func (c *conn) Drops() uint64 { return c.dropped.advance(c.meminfoDrops) }

// meminfoDrops is word SK_MEMINFO_DROPS of SO_MEMINFO (Linux 4.12).
func (c *conn) meminfoDrops() (drops uint32, ok bool) {
	err := c.raw.Control(func(fd uintptr) {
		var info [9]uint32
		n := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&n)), 0)
		drops, ok = info[8], errno == 0
	})
	return drops, ok && err == nil
}

// discarding drops every datagram that arrives from now on. It counts as a
// drop of the kernel's.
var discarding = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}

// Discard counts what lies in the receive buffer. What arrives while it counts
// is turned away, or a flood would never let it end.
func (c *conn) Discard() uint64 {
	if c.shared.Load() {
		return 0
	}
	var total uint64
	_ = c.controlAll(func(fd int) error {
		s := borrow()
		defer s.giveBack()
		for first := true; ; first = false {
			n, errno := s.receive(uintptr(fd), batchSize)
			if errno == unix.EINTR {
				continue
			}
			if errno != 0 && errno != unix.EAGAIN && first {
				continue // a pending error, reported once
			}
			if errno != 0 {
				return nil
			}
			s.parse(c, uintptr(fd), n)
			for i := range s.batch.Packets {
				total += uint64(s.batch.Packets[i].Datagrams())
			}
			if first {
				prog := unix.SockFprog{Len: uint16(len(discarding)), Filter: &discarding[0]}
				_ = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
			}
		}
	})
	return total
}
