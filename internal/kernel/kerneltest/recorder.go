package kerneltest

import (
	"errors"
	"os"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

// recorder is a Sink that records packets and the order of the calls.
type recorder struct {
	packets []kernel.Packet
	calls   []string
	settled bool
	more    bool // what Wait returns
	take    bool
	deliver func()
	idle    func()
}

func (r *recorder) Room() int { r.calls = append(r.calls, "room"); return 1 }

func (r *recorder) Deliver(b *kernel.Batch) {
	r.calls = append(r.calls, "deliver")
	for i, p := range b.Packets {
		switch {
		case r.take && p.Segment == 0:
			b.Take(i, 1) // the block stays with the packet
		default:
			p.Data, _, _ = b.Slab.Copy(p.Data, p.Datagrams())
		}
		r.packets = append(r.packets, p)
	}
	if r.deliver != nil {
		r.deliver()
	}
}

func (r *recorder) Pending() bool { r.calls = append(r.calls, "pending"); return !r.settled }
func (r *recorder) Wait() bool    { r.calls = append(r.calls, "wait"); return r.more }

func (r *recorder) Idle() bool {
	r.calls = append(r.calls, "idle")
	if r.idle != nil {
		r.idle()
	}
	return false
}

// receive expects one datagram.
func receive(t testing.TB, c kernel.Conn) kernel.Packet {
	t.Helper()
	Check(t, c.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: true}
	Check(t, c.Receive(&r, true))
	if len(r.packets) != 1 {
		t.Fatalf("%d packets, want 1", len(r.packets))
	}
	return r.packets[0]
}

// want expects the next datagram to be s.
func want(t testing.TB, c kernel.Conn, s string) kernel.Packet {
	t.Helper()
	p := receive(t, c)
	if string(p.Data) != s {
		t.Fatalf("received %.40q, want %.40q", p.Data, s)
	}
	return p
}

// silent expects that no datagram arrives.
func silent(t testing.TB, c kernel.Conn) {
	t.Helper()
	Check(t, c.SetReadDeadline(time.Now().Add(calm)))
	var r recorder
	if err := c.Receive(&r, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("received %+v, error %v, want silence", r.packets, err)
	}
}
