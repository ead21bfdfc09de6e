package session

import (
	"context"
	"errors"
	"sync"
)

// Send sends one datagram, the parts in a row, to the peer. It leaves from the
// address that the peer sent to. Send waits as [udp.Socket.Reply] does, and no
// longer than the session lasts. After the end of the session the error is
// [net.ErrClosed] and the cause.
//
// The first Send that succeeds makes the peer known: the session has the whole
// idle time from then on, and is evicted after those of strangers.
func (c *Session) Send(ctx context.Context, parts ...[]byte) error {
	if ctx == nil {
		return c.opError("send", errNilContext)
	}
	if err := c.sendError(); err != nil {
		return c.opError("send", err)
	}
	try := attempts.Get().(*attempt)
	try.Context, try.done = ctx, c.mux.atOnce
	err := c.mux.transmit(try, c, parts)
	*try = attempt{}
	attempts.Put(try)
	if errors.Is(err, errWait) {
		err = c.wait(ctx, parts)
	}
	if err == nil {
		c.mux.sent(c)
	}
	return err
}

// An attempt is the context of a send that does not wait. A send that would asks
// for Done, finds it closed and returns errWait. So a send that does not have to wait
// does not pay for one that the end of the session can wake.
type attempt struct {
	context.Context
	done  <-chan struct{} // closed
	asked bool
}

var (
	attempts = sync.Pool{New: func() any { return new(attempt) }}
	errWait  = errors.New("the send has to wait")
)

func (a *attempt) Done() <-chan struct{} {
	a.asked = true
	return a.done
}

func (a *attempt) Err() error {
	if err := a.Context.Err(); err != nil || !a.asked {
		return err
	}
	return errWait
}

// wait sends when there is room. The end of the session ends the wait.
func (c *Session) wait(ctx context.Context, parts [][]byte) error {
	ending, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.mux.waiting.add(c, cancel)()
	if err := c.sendError(); err != nil { // it has ended before it could cancel
		return c.opError("send", err)
	}
	err := c.mux.transmit(ending, c, parts)
	if err != nil && ending.Err() != nil {
		if end := c.sendError(); end != nil {
			return c.opError("send", end)
		}
	}
	return err
}

// waiting is the sends that wait, of each session.
type waiting struct {
	mu    sync.Mutex
	sends map[*Session]map[*context.CancelFunc]struct{}
}

// add adds a send, and returns a function that removes it.
func (w *waiting) add(c *Session, cancel context.CancelFunc) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sends == nil {
		w.sends = map[*Session]map[*context.CancelFunc]struct{}{}
	}
	if w.sends[c] == nil {
		w.sends[c] = map[*context.CancelFunc]struct{}{}
	}
	w.sends[c][&cancel] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.sends[c], &cancel)
		if len(w.sends[c]) == 0 {
			delete(w.sends, c)
		}
	}
}

// end wakes the sends of c, which cannot send any more.
func (w *waiting) end(c *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for cancel := range w.sends[c] {
		(*cancel)()
	}
}

// endAll wakes every send.
func (w *waiting) endAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sends := range w.sends {
		for cancel := range sends {
			(*cancel)()
		}
	}
}
