//go:build linux && !dgram_portable

package kernel_test

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
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
		if got := kernel.Datagrams(c.n, c.oob); got != c.want {
			t.Errorf("%d bytes with % x are %d datagrams, want %d", c.n, c.oob, got, c.want)
		}
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
