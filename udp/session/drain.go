package session

import (
	"context"
	"net/netip"
	"time"

	"example.com/dgram/udp"
)

// Drain ends the mux gracefully. From the call on no session begins: Sessions is
// closed, and Open answers [udp.ErrDrained]. The socket is drained, as
// [udp.Socket.Drain] says, and what it has received is delivered to the sessions
// that there are. Each of them ends when its reader has taken all of its stream;
// [context.Cause] is then [udp.ErrDrained]. A session that was drained still
// sends, until it, the mux or the socket is closed, so that the last questions
// are answered. The context to answer them with is not that of the session.
//
// Drain of the socket ends the sessions in the same way, and does not wait for their
// readers: it returns when the mux has read what the socket had received.
//
// Drain returns nil when every session has ended, ctx's error if that comes
// first, and [net.ErrClosed] if the mux closes meanwhile. After ctx's error the
// mux goes on draining: another Drain waits for it, and Close ends it. A ctx that
// is done before leaves the mux as it was.
func (m *Mux) Drain(ctx context.Context) error {
	if ctx == nil {
		return m.opError("drain", netip.AddrPort{}, errNilContext)
	}
	if isClosed(m.ended) {
		return m.opError("drain", netip.AddrPort{}, m.ending())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	m.stopAccepting(udp.ErrDrained)
	m.mu.Unlock()
	if err := m.socket.Drain(ctx); err != nil {
		return err
	}
	select {
	case <-m.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.ended:
		return m.opError("drain", netip.AddrPort{}, m.ending())
	}
}

// finishDrain ends each session when its stream has been taken. The goroutine
// that has read the socket runs it.
func (m *Mux) finishDrain() {
	m.mu.Lock()
	m.stopAccepting(udp.ErrDrained) // where the caller has drained the socket
	m.mu.Unlock()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 100*time.Millisecond) {
		left, silent := m.endTaken()
		if left == 0 {
			close(m.drained)
			return
		}
		if silent { // no channel tells that the last message was taken from it: look again
			pause.Reset(wait)
		}
		select {
		case <-pause.C:
		case <-m.progress:
		case <-m.ended:
			return
		case <-m.socket.Done():
			m.shut(m.socketCause())
			return
		}
	}
}

// endTaken ends the sessions whose streams were taken. It returns how many are
// left, and whether one of them is read by its channel.
func (m *Mux) endTaken() (left int, silent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.table.all() {
		n, byChannel := c.drain(udp.ErrDrained)
		if n == 0 {
			m.end(c, udp.ErrDrained)
		} else {
			silent = silent || byChannel
		}
	}
	return m.table.n, silent
}
