package udp_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"example.com/dgram/udp"
)

// outgoing makes a datagram to send.
func (w *world) outgoing() (id uint64, d udp.Datagram) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.Data = w.payload(pick(w.r, 8, 8, 100, 1400, 9000))
	d.To = friend
	if w.plan.block && w.r.IntN(8) == 0 {
		d.To = blocked
	}
	if w.s.RemoteAddr().IsValid() && w.r.IntN(8) > 0 {
		d.To = netip.AddrPort{}
	}
	return w.next, d
}

// beside runs a call while the steps go on.
func (w *world) beside(f func()) {
	w.calls.Go(f)
}

func (w *world) decide(id uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[id] = err
}

func (w *world) send() {
	ctx := w.context()
	id, d := w.outgoing()
	m := udp.Message{From: d.To, To: simAddr}
	reply := w.r.IntN(4) == 0
	w.beside(func() {
		switch {
		case !d.To.IsValid():
			w.decide(id, w.s.Send(ctx, d.Data[:4], d.Data[4:]))
		case reply:
			w.decide(id, w.s.Reply(ctx, m, d.Data))
		default:
			w.decide(id, w.s.SendTo(ctx, d.To, d.Data))
		}
	})
}

func (w *world) sendBatch() {
	ctx := w.context()
	ids, ds := make([]uint64, 1+w.r.IntN(300)), []udp.Datagram{}
	for i := range ids {
		id, d := w.outgoing()
		ids[i], ds = id, append(ds, d)
	}
	w.beside(func() {
		n, err := w.s.SendBatch(ctx, ds)
		if n < len(ds) && err == nil {
			w.t.Errorf("%d of %d were sent, and no error", n, len(ds))
		}
		failures := sendErrors(err)
		for i, id := range ids {
			switch e := failures[i]; {
			case e != nil:
				w.decide(id, fmt.Errorf("not sent: %w", e))
			case n > 0:
				w.decide(id, nil)
				n--
			default:
				w.decide(id, fmt.Errorf("not reached: %w", err))
			}
		}
	})
}

// queue puts datagrams into the Outbox as long as there is room.
func (w *world) queue() {
	if w.shut {
		return
	}
	out := w.s.Outbox()
	for range 1 + w.r.IntN(100) {
		id, d := w.outgoing()
		select {
		case out <- d:
			w.mu.Lock()
			w.queued = append(w.queued, id)
			w.mu.Unlock()
		default:
			return
		}
	}
}

func (w *world) flush() {
	ctx := w.context()
	w.mu.Lock()
	before := len(w.queued)
	w.mu.Unlock()
	w.beside(func() {
		if err := w.s.Flush(ctx); err != nil {
			return
		}
		dropped := int(w.s.Stats().SendDropped)
		w.mu.Lock()
		ids := w.queued[:before]
		w.mu.Unlock()
		if out := w.sentOf(ids); out+dropped < before {
			w.t.Errorf("flushed, yet of %d queued datagrams %d were sent and %d failed", before, out, dropped)
		}
	})
}

// sentOf counts those that the kernel has.
func (w *world) sentOf(ids []uint64) (n int) {
	sent := w.sent()
	for _, id := range ids {
		if sent[id] > 0 {
			n++
		}
	}
	return n
}

// sent counts how often the kernel took each datagram.
func (w *world) sent() map[uint64]int {
	sent := map[uint64]int{}
	for _, c := range w.k.all() {
		c.mu.Lock()
		for _, d := range c.sent {
			sent[binary.BigEndian.Uint64(d.data)]++
		}
		c.mu.Unlock()
	}
	return sent
}
