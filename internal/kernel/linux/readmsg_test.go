//go:build linux

package linux_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
)

func TestBurstsAreCountedByTheirDatagrams(t *testing.T) {
	segment := control(unix.SOL_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, 1000)...)
	tos := control(unix.SOL_IP, unix.IP_TOS, 2)
	for _, c := range []struct {
		n    int
		oob  []byte
		want int
	}{
		{0, nil, 1}, {5000, nil, 1}, {5000, tos, 1},
		{5000, segment, 5}, {5001, append(tos, segment...), 6}, {1, segment, 1}, {0, segment, 1},
		{5000, control(unix.SOL_UDP, unix.UDP_SEGMENT, 0, 0), 1}, {5000, control(unix.SOL_UDP, unix.UDP_SEGMENT), 1},
		{5000, []byte{1, 2, 3}, 1}, {5000, segment[:len(segment)-8], 1},
	} {
		if got := linux.Datagrams(c.n, c.oob); got != c.want {
			t.Errorf("%d bytes with % x are %d datagrams, want %d", c.n, c.oob, got, c.want)
		}
	}
}

// A kernel without UDP_SEGMENT would send a burst as one long datagram.
func TestAKernelWithoutBurstsGetsNone(t *testing.T) {
	if netlab.Swapped() {
		t.Skip("the size of a burst is handed on in the other byte order")
	}
	a, b := loopback(t, "udp4"), loopback(t, "udp4")
	ds := make([]kernel.Datagram, 65) // 64 fit a call, as messages or as a burst
	for i := range ds {
		ds[i] = kernel.Datagram{Data: bytes.Repeat([]byte{byte(i)}, 10), To: local(t, b)}
	}
	calls := func() uint64 {
		before := a.Calls().Write
		if n, err := a.SendBatch(ds); n != len(ds) || err != nil {
			t.Fatalf("%d sent, %v", n, err)
		}
		for i := range ds {
			want(t, b, string(ds[i].Data))
		}
		return a.Calls().Write - before
	}
	var lacks error
	check(t, a.SyscallConn().Control(func(fd uintptr) {
		_, lacks = unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
	}))
	if n := calls(); n != 1 && lacks == nil {
		t.Errorf("%d calls with bursts, want 1", n)
	}
	defer linux.WithoutSegments()()
	if n := calls(); n != 2 {
		t.Errorf("%d calls without, want 2", n)
	}
}

// control is a control message.
func control(level, kind int32, data ...byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func TestReadingBatchesAllocatesTheAddressesAlone(t *testing.T) {
	a, b := loopback(t, "udp4"), loopback(t, "udp4")
	const runs, each = 25, 4
	d := kernel.Datagram{Data: make([]byte, 30), To: local(t, b)}
	for range (runs + 1) * each {
		if err := a.Send(&d, nil); err != nil {
			t.Fatal(err)
		}
	}
	ms := make([]ipv4.Message, each)
	for i := range ms {
		ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, 20), make([]byte, 20)}, make([]byte, 64)
	}
	if n := testing.AllocsPerRun(runs, func() {
		if n, err := b.ReadMsgs(ms, 0); n != each || err != nil {
			t.Fatalf("%d messages, %v", n, err)
		}
	}); n > each {
		t.Errorf("%v allocations for %d datagrams", n, each)
	}
}

func TestABatchIsNotWaitedForWhereTheCallerWouldRatherNot(t *testing.T) {
	c := loopback(t, "udp4")
	n, err := c.ReadMsgs([]ipv4.Message{{Buffers: [][]byte{make([]byte, 9)}}}, unix.MSG_DONTWAIT)
	if n != 0 || !kernel.WouldBlock(err) {
		t.Errorf("%d, %v, want EAGAIN", n, err)
	}
}
