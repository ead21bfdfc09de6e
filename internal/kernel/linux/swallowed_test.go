//go:build linux

package linux_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// The first datagram is refused while the next is on its way. sendmmsg then removes
// the error and returns a short count alone. The error is reported all the same,
// and the batch goes on behind it.
func TestARefusalInsideABatchIsTold(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			gone := loopback(t, network)
			peer := local(t, gone)
			check(t, gone.Close())
			c := loopback(t, network)
			check(t, c.Connect(peer))
			ds := []kernel.Datagram{{Data: make([]byte, 1)}, {Data: make([]byte, 2)}, {Data: make([]byte, 3)}}
			for i := range 2 {
				n, err := c.SendBatch(ds[i:])
				if n != 1 || !errors.Is(err, kernel.ErrPending) {
					t.Fatalf("%d datagrams sent, %v", n, err)
				}
				r, ok := c.NextRefusal()
				if !ok || r.Errno != unix.ECONNREFUSED {
					t.Errorf("the refusal of datagram %d is %v, %v", i, r, ok)
				}
			}
			check(t, c.Borrow().Control(func(fd uintptr) {
				for _, o := range [][2]int{{unix.IPPROTO_IP, unix.IP_RECVERR}, {unix.IPPROTO_IPV6, unix.IPV6_RECVERR}} {
					if on, err := unix.GetsockoptInt(int(fd), o[0], o[1]); err == nil && on != 0 {
						t.Error("the error queue is still on")
					}
				}
			}))
		})
	}
}
