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
//
// No channel tells that the last message was taken from it. So finishDrain looks
// again and again.
func (m *Mux) finishDrain() {
	m.mu.Lock()
	m.stopAccepting(udp.ErrDrained) // where the caller has drained the socket
	m.mu.Unlock()
	for pause := 100 * time.Microsecond; !m.endTaken(); pause = min(2*pause, 10*time.Millisecond) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-m.ended:
			timer.Stop()
			return
		case <-m.socket.Done():
			timer.Stop()
			m.shut(m.socketCause())
			return
		}
	}
	close(m.drained)
}

// endTaken ends the sessions whose streams were taken, and reports whether none
// is left.
func (m *Mux) endTaken() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.table.all() {
		if c.taken(udp.ErrDrained) {
			m.end(c, udp.ErrDrained)
		}
	}
	return m.table.n == 0
}
