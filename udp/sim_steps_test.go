package udp_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

// step does one random thing.
func (w *world) step() {
	conns := w.k.all()
	if len(conns) == 0 {
		w.bind()
		return
	}
	c := pick(w.r, conns...)
	n := w.r.IntN(100)
	w.note("step %d on socket %d", n, c.index)
	switch {
	case n < 30:
		for range 1 + w.r.IntN(10) {
			w.arrive()
		}
	case n < 45:
		for range w.r.IntN(40) {
			w.tokens <- struct{}{}
		}
	case n < 50:
		c.change(func() { c.short = 1 + w.r.IntN(3) })
	case n < 56:
		errs := []error{pick(w.r, readFaults...)}
		if w.r.IntN(4) == 0 {
			errs = slices.Repeat(errs, 20)
		}
		c.change(func() { c.errs = append(c.errs, errs...) })
	case n < 62:
		w.spoil(c)
	case n < 70:
		w.send()
	case n < 73:
		w.sendBatch()
	case n < 79:
		w.queue()
	case n < 81:
		for range 8 {
			w.queue()
			w.settle()
		}
		w.queue()
		w.flush()
	case n < 84:
		w.flush()
	case n < 88:
		room := pick(w.r, 0, 0, 1, 10, 1<<30)
		c.change(func() { c.space = room })
	case n < 90:
		limit := pick(w.r, 0, 1, 50, 1<<20)
		c.change(func() { c.limit = limit })
	case n < 92:
		if len(w.cancel) > 0 {
			pick(w.r, w.cancel...)()
		}
	case n < 94:
		w.reconnect()
	case n < 96:
		w.news(w.r.IntN(10))
	case n < 97:
		w.shutOutbox()
	case n < 98:
		broken, deaf := pick(w.r, nil, pick(w.r, readFaults...)), pick(w.r, nil, pick(w.r, newsFaults...), pick(w.r, sendFaults...))
		if broken == syscall.EINTR || broken == syscall.EAGAIN || broken == os.ErrDeadlineExceeded {
			broken = nil
		}
		w.note("persistent: read %v, send %v", broken, deaf)
		c.change(func() { c.broken, c.deaf = broken, deaf })
	default:
		w.pass(time.Duration(w.r.IntN(2000)) * time.Millisecond)
	}
}

// bind gives an unbound socket its address in one of the ways, of which some
// fail.
func (w *world) bind() {
	if w.r.IntN(3) == 0 {
		w.k.failOpens(pick(w.r, syscall.EMFILE, syscall.EADDRINUSE, syscall.ENOBUFS))
	}
	w.note("bind")
	switch w.r.IntN(4) {
	case 0:
		_ = w.s.Bind(context.Background(), "")
	case 1:
		if w.plan.readers == 1 {
			_ = w.s.Connect(context.Background(), friend.String())
		}
	case 2:
		w.send()
	case 3:
		w.queue()
	}
}

// spoil makes the next sends fail.
func (w *world) spoil(c *simConn) {
	var fates []error
	for range 1 + w.r.IntN(6) {
		switch w.r.IntN(4) {
		case 0:
			fates = append(fates, pick(w.r, newsFaults...))
		case 1:
			fates = append(fates, pick(w.r, sendFaults...))
		case 2:
			fates = append(fates, syscall.ENOBUFS)
		case 3:
			fates = append(fates, nil)
		}
	}
	c.change(func() { c.fates = append(c.fates, fates...) })
}

// news makes errors of earlier datagrams pending, late: without a call that failed.
func (w *world) news(n int) {
	c := w.k.all()[0]
	c.change(func() {
		for range n {
			r := kernel.Refusal{Errno: pick(w.r, syscall.ECONNREFUSED, syscall.EACCES, syscall.EMSGSIZE, syscall.EOPNOTSUPP)}
			if w.plan.icmp {
				r.To = friend
			}
			c.refusals = append(c.refusals, r)
		}
		c.async, c.pending = c.async+n, true
		c.interrupt = w.r.IntN(5)
	})
}

func (w *world) reconnect() {
	if w.plan.readers > 1 {
		return
	}
	if w.r.IntN(3) == 0 {
		c := w.k.all()[0]
		c.change(func() { c.unconnected = pick(w.r, syscall.ENETUNREACH, syscall.EACCES) })
	}
	if err := w.s.Disconnect(); errors.Is(err, udp.ErrNotConnected) {
		_ = w.s.Connect(context.Background(), friend.String())
	}
}

func (w *world) shutOutbox() {
	if w.shut || w.r.IntN(4) > 0 {
		return
	}
	out := w.s.Outbox()
	w.settle()
	w.shut = true
	close(out)
}

// heal takes every fault away, gives time, and expects that everything gets
// where it should.
func (w *world) heal() {
	for _, c := range w.k.all() {
		c.change(func() { c.errs, c.broken, c.fates, c.deaf, c.space, c.limit = nil, nil, nil, nil, 1<<30, 1<<20 })
	}
	for range 1 << 13 {
		w.tokens <- struct{}{}
	}
	w.pass(time.Minute)
	if w.over() {
		return
	}
	w.check()
	st := w.s.Stats()
	left := 0
	for _, c := range w.k.all() {
		c.mu.Lock()
		left += c.arrived
		c.mu.Unlock()
	}
	left -= int(st.Received + st.Waiting + st.DroppedOverflow + st.DroppedBlocked)
	if left != 0 {
		w.t.Errorf("healed, and %d datagrams have not got to their receiver", left)
	}
	if n, b := w.s.SendQueueCount(), w.s.SendQueueSize(); n != 0 || b != 0 {
		w.t.Errorf("healed, and %d datagrams of %d bytes are still queued", n, b)
	}
}
