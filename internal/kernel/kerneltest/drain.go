package kerneltest

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
)

// TryReceive ignores a deadline that has passed.
func (s suite) TestTryReceiveEmptiesTheQueue(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	var r recorder
	Check(t, b.TryReceive(&r))
	if len(r.packets) != 0 || b.Queued() {
		t.Fatalf("%d packets on a new socket, queued %v", len(r.packets), b.Queued())
	}
	Check(t, b.SetReadDeadline(time.Unix(1, 0)))
	const n = 20
	for range n {
		send(t, a, "tick", Local(t, b))
	}
	arrived(t, b)
	for end := time.Now().Add(patience); len(r.packets) < n && time.Now().Before(end); {
		Check(t, b.TryReceive(&r))
	}
	if len(r.packets) != n || b.Queued() {
		t.Errorf("%d packets, want %d; queued %v", len(r.packets), n, b.Queued())
	}
	if err := b.Receive(&r, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Receive: %v, want the deadline", err)
	}
	Check(t, b.Close())
	if err := b.TryReceive(&r); err == nil || b.Queued() {
		t.Errorf("after Close: %v, queued %v", err, b.Queued())
	}
}

// arrived waits until a datagram is queued. Loopback may deliver it late.
func arrived(t testing.TB, c kernel.Conn) {
	t.Helper()
	for end := time.Now().Add(patience); !c.Queued(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing arrived")
		}
	}
}

// fence waits until all datagrams that were sent on loopback have arrived. Loopback
// keeps the order, so it sends one more and waits for that.
func (s suite) fence(t testing.TB) {
	t.Helper()
	c := s.loopback(t, "udp4")
	send(t, c, "last", Local(t, c))
	want(t, c, "last")
}

// reads are the ways to read one datagram.
var reads = map[string]func(kernel.Conn) (int, error){
	"Receive": func(c kernel.Conn) (int, error) {
		r := recorder{settled: true}
		err := c.Receive(&r, true)
		return len(r.packets), err
	},
	"TryReceive": func(c kernel.Conn) (int, error) {
		var r recorder
		err := c.TryReceive(&r)
		return len(r.packets), err
	},
	"ReadMsg": func(c kernel.Conn) (int, error) {
		_, _, _, err := c.ReadMsg(make([]byte, 100), nil, new(kernel.Packet))
		if err != nil {
			return 0, err
		}
		return 1, nil
	},
	"ReadMsgs": func(c kernel.Conn) (int, error) {
		return c.ReadMsgs([]ipv4.Message{{Buffers: [][]byte{make([]byte, 100)}}}, 0)
	},
}

func (s suite) TestDrainDeliversWhatIsQueuedAndEnds(t *testing.T) {
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
			const n = 3
			for range n {
				send(t, a, "before", Local(t, b))
			}
			s.fence(t)
			Check(t, b.Drain())
			Check(t, b.Drain())
			for got := 0; ; {
				m, err := read(b)
				if got += m; errors.Is(err, kernel.ErrDrained) {
					if got != n {
						t.Errorf("%d datagrams, want %d", got, n)
					}
					break
				}
				Check(t, err)
			}
			Check(t, a.SendTo([]byte("after"), Local(t, b)))
			Check(t, b.SetReadDeadline(time.Time{}))
			for range 2 {
				if m, err := read(b); m != 0 || !errors.Is(err, kernel.ErrDrained) {
					t.Errorf("after the end: %d, %v, want ErrDrained", m, err)
				}
			}
			if b.Queued() || b.Discard() != 0 {
				t.Error("something is left behind ErrDrained")
			}
			send(t, b, "answer", Local(t, a))
			want(t, a, "answer")
		})
	}
}

func (s suite) TestDrainWakesAReader(t *testing.T) {
	for name, read := range reads {
		if name == "TryReceive" {
			continue // never waits
		}
		t.Run(name, func(t *testing.T) {
			c := s.loopback(t, "udp4")
			woken := make(chan error, 1)
			go func() {
				_, err := read(c)
				woken <- err
			}()
			time.Sleep(calm / 10)
			Check(t, c.Drain())
			select {
			case err := <-woken:
				if !errors.Is(err, kernel.ErrDrained) {
					t.Errorf("%v, want ErrDrained", err)
				}
			case <-time.After(patience):
				t.Error("the reader still waits")
			}
		})
	}
}
