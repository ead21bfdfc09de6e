package udp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/udp"
)

// consume receives as many messages as there are tokens.
func (w *world) consume() {
	defer close(w.gone)
	switch w.plan.mode {
	case byChannel:
		for range w.tokens {
			m, ok := <-w.messages()
			if !ok {
				return
			}
			w.receive(m)
		}
		for m := range w.messages() {
			w.receive(m)
		}
	case byLoop:
		r := rand.New(rand.NewPCG(w.r.Uint64(), 1))
		for w.s.Stats(); ; {
			select {
			case <-w.s.Done():
				return
			default:
			}
			w.loop(r)
		}
	case byView:
		r := rand.New(rand.NewPCG(w.r.Uint64(), 1))
		v := w.s.PacketConn()
		for range w.tokens {
			if !w.view(r, v) {
				break
			}
		}
		<-w.s.Done()
	}
}

// messages is the channel, from when the consumer first asks: its readers start
// then.
func (w *world) messages() <-chan udp.Message {
	c := w.s.Messages()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.channel = c
	return c
}

// loop is one loop of All.
func (w *world) loop(r *rand.Rand) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(200))*time.Millisecond)
		defer cancel()
	}
	awake := time.Now() // since when the loop, not its body, has had the time
	for m, err := range w.s.All(ctx) {
		if err != nil {
			w.mu.Lock()
			w.yielded++
			w.mu.Unlock()
			continue
		}
		w.receive(m)
		select {
		case <-w.tokens:
		case <-w.s.Done():
		}
		if r.IntN(10) == 0 {
			return
		}
		awake = time.Now()
	}
	if end, ok := ctx.Deadline(); ok && awake.Before(end) && time.Now().After(end) {
		w.t.Errorf("a loop ended %v after its context", time.Since(end))
	}
}

// A view is what PacketConn returns.
type PacketConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
}

// view reads through a view once.
func (w *world) view(r *rand.Rand, v PacketConn) bool {
	if r.IntN(4) == 0 {
		_ = v.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Millisecond))
	} else {
		_ = v.SetReadDeadline(time.Time{})
	}
	var err error
	if r.IntN(3) > 0 {
		b := make([]byte, 1<<16)
		var n int
		var from netip.AddrPort
		if n, from, err = v.ReadFromUDPAddrPort(b); err == nil {
			w.receive(udp.Message{Data: b[:n], From: from})
		}
	} else {
		ms := make([]ipv4.Message, 4)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, 1<<16)}
		}
		var n int
		n, err = v.ReadBatch(ms, 0)
		for _, m := range ms[:n] {
			w.receive(udp.Message{Data: m.Buffers[0][:m.N], From: m.Addr.(*net.UDPAddr).AddrPort()})
		}
	}
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return true
	case errors.Is(err, net.ErrClosed):
		return false
	}
	w.mu.Lock()
	w.yielded++
	w.mu.Unlock()
	return true
}

// receive checks a message against what arrived: nothing out of order, nothing
// twice, nothing changed.
func (w *world) receive(m udp.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken++
	w.bytes += len(m.Data)
	queue := w.expected[m.From]
	skipped := 0
	for ; skipped < len(queue); skipped++ {
		if w.is(m, queue[skipped]) {
			break
		}
	}
	if skipped == len(queue) {
		w.t.Errorf("message of %d bytes from %v did not arrive, not in this order or not that often", len(m.Data), m.From)
		return
	}
	w.expected[m.From] = queue[skipped+1:]
	if skipped > 0 && w.plan.overflow == udp.OverflowBlock {
		w.t.Errorf("%d datagrams from %v were skipped", skipped, m.From)
	}
	w.kept = append(w.kept, kept{m, bytes.Clone(m.Data)})
}

// release looks whether kept messages are as they were, and releases some,
// some of them twice.
func (w *world) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.kept[:0]
	for _, k := range w.kept {
		if !bytes.Equal(k.m.Data, k.want) {
			w.t.Errorf("a message of %d bytes changed after it was received", len(k.want))
		}
		switch w.r.IntN(4) {
		case 0: // left to the garbage collector
		case 1:
			k.m.Release()
			again := k.m
			again.Release()
		default:
			rest = append(rest, k)
		}
	}
	w.kept = rest
}

// payload makes the bytes of the next datagram: its number, as far as they
// reach.
func (w *world) payload(size int) []byte {
	w.next++
	b := make([]byte, size)
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], w.next)
	copy(b, id[:])
	for i := 8; i < size; i++ {
		b[i] = byte(w.next) + byte(i)
	}
	return b
}
