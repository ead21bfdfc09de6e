//go:build linux

package linux

import (
	"net/netip"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A dropCounter extends the kernel's 32-bit count of drops, which wraps, to 64
// bits.
type dropCounter struct {
	mu     sync.Mutex
	last   uint32
	total  uint64
	frozen bool
}

func (d *dropCounter) reset(now uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = now
}

// advance calls ask for the present count and returns the extended one. It calls
// ask under the lock: an answer older than the last would look like one that has
// wrapped.
func (d *dropCounter) advance(ask func() (now uint32, ok bool)) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frozen {
		return d.total
	}
	if now, ok := ask(); ok {
		d.total += uint64(now - d.last)
		d.last = now
	}
	return d.total
}

// freeze reads the count for the last time.
func (d *dropCounter) freeze(ask func() (now uint32, ok bool)) {
	d.advance(ask)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = true
}

// Drops returns how many datagrams the kernel dropped. SO_MEMINFO is current at any
// time; SO_RXQ_OVFL comes only with the next datagram that fits.
func (c *conn) Drops() uint64 { return c.dropped.advance(c.meminfoDrops) }

// meminfoDrops is word SK_MEMINFO_DROPS of SO_MEMINFO (Linux 4.12).
func (c *conn) meminfoDrops() (drops uint32, ok bool) {
	err := c.sock.Load().raw.Control(func(fd uintptr) {
		info, errno := meminfo(fd)
		drops, ok = info[unix.SK_MEMINFO_DROPS], errno == 0
	})
	return drops, ok && err == nil
}

// meminfo reads SO_MEMINFO.
func meminfo(fd uintptr) (info [unix.SK_MEMINFO_VARS]uint32, errno syscall.Errno) {
	n := uint32(unsafe.Sizeof(info))
	_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&n)), 0)
	return info, errno
}

// Discard reads and counts what is in the receive buffer. It first makes the kernel
// reject later datagrams: under a flood the queue would never be empty, and no
// counter would have the datagrams between the last read and the close.
//
// A CPU that found the socket before may put its datagram there after the last read.
// The kernel shows no trace of it: SO_MEMINFO counts what has got as far as the
// buffer. Only a grace period of RCU is certain to be longer (membarrier(2),
// MEMBARRIER_CMD_GLOBAL), and it takes 4 to 16 ms on a machine of two CPUs.
func (c *conn) Discard() uint64 {
	total := c.offload.discard()
	if c.shared.Load() || c.exposed.Load() {
		return total
	}
	limit := int64(1 << 62)
	if c.drain.on.Load() {
		limit = c.drain.left.Swap(0)
	}
	if !c.drain.on.Load() {
		_ = c.controlAll(func(fd int) error {
			if connectToSelf(uintptr(fd)) != 0 {
				return attachDeafFilter(fd)
			}
			return nil
		})
	}
	var enough bool
	_ = c.readWithoutWaiting(func(fd uintptr) {
		total += c.discard(fd, &limit)
		enough = limit <= 0
	}, &enough)
	return total
}

// discard reads the queue of fd, but no more packets than limit.
func (c *conn) discard(fd uintptr, limit *int64) (total uint64) {
	s := borrow()
	defer s.giveBack()
	for failures := 0; *limit > 0; {
		n, errno := s.receive(&c.calls, fd, int(min(*limit, batchSize)), false)
		switch {
		case errno == unix.EINTR, errno != unix.EAGAIN && errno != 0 && c.isAsync(errno, &failures):
			continue
		case errno != 0:
			return total
		}
		failures = 0
		*limit -= int64(n)
		s.parse(c, fd, n)
		for i := range s.batch.Packets {
			total += uint64(s.batch.Packets[i].Datagrams())
		}
	}
	return total
}

// connectToSelf connects the socket to its own address, so that the kernel
// answers other senders with port unreachable and Discard ends under a flood.
func connectToSelf(fd uintptr) syscall.Errno {
	var name rawName
	size := uint32(sizeofName)
	if _, _, errno := syscall.RawSyscall(unix.SYS_GETSOCKNAME, fd, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return errno
	}
	if in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&name)); name.Family == unix.AF_INET {
		if in.Addr == [4]byte{} {
			in.Addr = [4]byte{127, 0, 0, 1}
		}
	} else if a := netip.AddrFrom16(name.Addr); a.Unmap().IsUnspecified() {
		name.Addr = netip.IPv6Loopback().As16()
	}
	return sysConnect(fd, &name, size)
}

// attachDeafFilter attaches a filter that accepts nothing (socket(7)). It works
// for every socket, also for one that cannot be connected because it is bound to
// a broadcast address. The kernel counts what the filter turns away as dropped.
// It takes ten times as long as connectToSelf.
func attachDeafFilter(fd int) error {
	filter := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &filter})
}
