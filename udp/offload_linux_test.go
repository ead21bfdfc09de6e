package udp_test

import (
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Code that reads the descriptor itself finds datagrams, also where the socket has
// turned receive offload on before.
func TestARawReadFindsNoBursts(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	from := dial(t, "udp4", at(t, s))
	send(t, from, netip.AddrPort{}, "first")
	eventually(t, "the first datagram, which turns offload on", func() bool { _, got := s.TryReceive(); return got })
	raw, err := s.SyscallConn()
	ok(t, err)
	const size, n = 100, 10
	waits := make(chan struct{})
	var sizes []int
	reading := later(func() error {
		b, began := make([]byte, 65536), sync.OnceFunc(func() { close(waits) })
		for range n {
			err := raw.Read(func(fd uintptr) bool {
				got, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT)
				if began(); err != nil {
					return false
				}
				sizes = append(sizes, got)
				return true
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	ended(t, "the raw read waits", waits)
	batch := make([]udp.Datagram, n)
	for i := range batch {
		batch[i].Data = make([]byte, size)
	}
	_, err = from.SendBatch(t.Context(), batch)
	ok(t, err)
	err, _ = take(t, "the raw read", reading)
	ok(t, err)
	for _, got := range sizes {
		same(t, "size", got, size)
	}
}
