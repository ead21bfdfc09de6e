package udp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"time"

	"example.com/dgram/udp"
)

// check holds the socket to its word, whenever nothing moves.
func (w *world) check() {
	st := w.s.Stats()
	arrived, waiting, drops, errs, sent, bytes := 0, 0, 0, 0, 0, 0
	for _, c := range w.k.all() {
		c.mu.Lock()
		arrived += c.arrived
		waiting += c.queued
		drops += int(c.drops)
		errs += c.read
		sent += len(c.sent)
		bytes += c.sentBytes
		c.mu.Unlock()
	}
	w.mu.Lock()
	taken, takenBytes, yielded := w.taken, w.bytes, w.yielded
	w.mu.Unlock()

	late := 0
	if w.plan.mode == byLoop && !w.over() {
		late = 16 * 64 // a loop counts what it took when it reads again
	}
	if less := taken - int(st.Received); less < 0 || less > late {
		w.t.Errorf("%d received, but %d were taken", st.Received, taken)
	} else if st.Waiting == 0 && less == 0 && w.plan.overflow != udp.OverflowDropOldest && int(st.ReceivedBytes) != takenBytes {
		w.t.Errorf("%d bytes received, but %d were taken", st.ReceivedBytes, takenBytes)
	}
	if st.Received < w.received {
		w.t.Errorf("Received fell from %d to %d", w.received, st.Received)
	}
	w.received = st.Received
	counted := int(st.Received + st.Waiting + st.DroppedOverflow + st.DroppedBlocked + st.DroppedClosed)
	inHand := arrived - waiting - counted
	if most := w.plan.readers * 16 * 64; inHand < 0 || inHand > most {
		w.t.Errorf("%d arrived, %d wait, %d are counted: %d are in hand", arrived, waiting, counted, inHand)
	}
	if drops != int(st.DroppedKernel) {
		w.t.Errorf("the kernel dropped %d, DroppedKernel is %d", drops, st.DroppedKernel)
	}
	if sent != int(st.Sent) || bytes != int(st.SentBytes) {
		w.t.Errorf("the kernel took %d datagrams of %d bytes, Sent is %d of %d", sent, bytes, st.Sent, st.SentBytes)
	}
	if w.over() {
		if inHand != 0 || waiting != 0 {
			w.t.Errorf("after the end %d datagrams wait and %d are in hand: %+v", waiting, inHand, st)
		}
		return
	}
	if seen := int(st.Errors) + yielded + 1; w.plan.mode == byView && seen < errs || w.plan.mode != byView && int(st.Errors)+w.plan.readers < errs {
		w.t.Errorf("%d errors were read, and Errors counts %d", errs, st.Errors)
	}
}

func (w *world) over() bool {
	select {
	case <-w.s.Done():
		return true
	default:
		return false
	}
}

// close ends the socket in one of the ways. It takes no time.
func (w *world) close() {
	began := time.Now()
	switch c, way := w.k.all(), w.r.IntN(6); {
	case way == 0 && len(c) > 0 && w.plan.mode == byChannel:
		w.note("fatal error")
		w.fatal = pick(w.r, fatalFaults...)
		c[0].change(func() { c[0].errs = append([]error{w.fatal}, c[0].errs...) })
		for range 1 << 13 {
			w.tokens <- struct{}{} // a reader that waits for its receiver reads nothing
		}
		w.pass(time.Minute)
		if !w.over() {
			w.t.Errorf("%v did not end the socket", w.fatal)
		}
		if err := w.s.Err(); !errors.Is(err, w.fatal) {
			w.t.Errorf("the socket ended with %v, want %v", err, w.fatal)
		}
		began = time.Now()
	case way == 1:
		w.note("context ends")
		cause := errors.New("enough")
		w.end(cause)
		<-w.s.Done()
		if err := w.s.Err(); err != cause {
			w.t.Errorf("the socket ended with %v, want %v", err, cause)
		}
	case way == 2:
		w.note("two close")
		w.beside(func() { w.s.Close() })
	}
	if err := w.s.Close(); err != nil {
		w.t.Errorf("Close: %v", err)
	}
	if took := time.Since(began); took > 0 {
		w.t.Errorf("Close took %v", took)
	}
}

// bury looks at what a socket leaves behind.
func (w *world) bury() {
	if !w.shut && w.r.IntN(2) == 0 {
		w.queue() // those who missed the end
	}
	for _, cancel := range w.cancel {
		cancel()
	}
	w.end(nil)
	w.calls.Wait()
	close(w.tokens)
	<-w.gone
	w.settle()
	w.check()
	w.release()
	for _, c := range w.k.all() {
		c.mu.Lock()
		if c.closes != 1 {
			w.t.Errorf("socket %d was closed %d times", c.index, c.closes)
		}
		c.mu.Unlock()
	}
	for range w.s.Errors() { // closed, or this would wait for ever
	}
	if w.plan.mode == byChannel {
		if _, ok := <-w.s.Messages(); ok {
			w.t.Error("a message after the last")
		}
	}
	if err := w.s.SendTo(context.Background(), friend, nil); !errors.Is(err, net.ErrClosed) {
		w.t.Errorf("SendTo after Close: %v", err)
	}
	w.audit()
}

// audit compares what senders were told with what the kernel took.
func (w *world) audit() {
	sent := w.sent()
	for id, err := range w.fates {
		if n := sent[id]; err == nil && n != 1 || err != nil && n != 0 {
			w.t.Errorf("the kernel took datagram %d %d times, and its sender was told: %v", id, n, err)
		}
	}
	missing := 0
	for _, id := range w.queued {
		switch sent[id] {
		case 0:
			missing++
		case 1:
		default:
			w.t.Errorf("queued datagram %d was sent %d times", id, sent[id])
		}
	}
	if st := w.s.Stats(); missing != int(st.SendDropped) {
		w.t.Errorf("of %d queued datagrams %d were not sent, SendDropped is %d", len(w.queued), missing, st.SendDropped)
	}
	var order []uint64
	for _, c := range w.k.all() {
		for _, d := range c.sent {
			if id := binary.BigEndian.Uint64(d.data); slices.Contains(w.queued, id) {
				order = append(order, id)
			}
		}
	}
	if !slices.IsSorted(order) {
		w.t.Error("queued datagrams were sent out of order")
	}
}
