//go:build linux

package linux_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// A destination that has refused bursts is tried again after a while, because
// routes change. The kernel makes the sends; synctest makes the time.
func TestBurstsComeBackAfterAWhile(t *testing.T) {
	netlab.RequireBursts(t)
	lab := netlab.New(t)
	host := lab.Host("alone")
	lab.Must(host.SetMTU("lo", 600))
	to := addr("127.0.0.1:6900")
	openOn(t, host, kernel.Config{Network: "udp4", Local: to}) // the kernel drops what its buffer does not hold
	c := openOn(t, host, kernel.Config{Network: "udp4", Local: addr("127.0.0.1:0")})
	const n = 128
	synctest.Test(t, func(t *testing.T) {
		sendCalls(t, c, to, n, 1000) // each burst is tried again before it counts as refused
		if calls := sendCalls(t, c, to, n, 1000); calls != n/64 {
			t.Errorf("%d calls for %d datagrams that the path cuts up, want %d", calls, n, n/64)
		}
		lab.Must(host.SetMTU("lo", 65536))
		for _, step := range []struct {
			after time.Duration
			calls uint64
		}{{0, n / 64}, {4 * time.Second, n / 64}, {2 * time.Second, 1}, {0, 1}} {
			time.Sleep(step.after)
			if calls := sendCalls(t, c, to, n, 1000); calls != step.calls {
				t.Errorf("%d calls %v later, want %d", calls, step.after, step.calls)
			}
		}
	})
}

// The errno of the attempt before was about an earlier datagram if another one comes.
func TestARefusedBurstHidesNoReport(t *testing.T) {
	netlab.RequireBursts(t)
	lab := netlab.New(t)
	host := lab.Host("alone")
	lab.Must(host.SetMTU("lo", 600))
	to := addr("127.0.0.1:6900")
	c := openOn(t, host, kernel.Config{Network: "udp4", Local: addr("127.0.0.1:0")})
	check(t, c.Connect(to))
	check(t, c.Send(&kernel.Datagram{Data: []byte("refused")}, nil))
	openOn(t, host, kernel.Config{Network: "udp4", Local: to})
	ds := make([]kernel.Datagram, 64)
	for i := range ds {
		ds[i].Data = make([]byte, 1000)
	}
	if n, err := c.SendBatch(ds); n != len(ds) || !errors.Is(err, kernel.ErrPending) {
		t.Errorf("%d sent, %v", n, err)
	}
	if r, ok := c.NextRefusal(); !ok || r.Errno != unix.ECONNREFUSED {
		t.Errorf("reported: %v, %v", r, ok)
	}
}

// sendCalls sends a batch and returns how many system calls that took.
func sendCalls(t *testing.T, c kernel.Conn, to netip.AddrPort, n, size int) uint64 {
	t.Helper()
	ds := make([]kernel.Datagram, n)
	for i := range ds {
		ds[i] = kernel.Datagram{Data: make([]byte, size), To: to}
	}
	before := c.Calls().Write
	for len(ds) > 0 {
		sent, err := c.SendBatch(ds)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		ds = ds[sent:]
	}
	return c.Calls().Write - before
}
