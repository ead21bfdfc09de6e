package session

import (
	"net"

	"example.com/dgram/udp"
)

// Close ends the mux and every session, with [net.ErrClosed]. It returns nil, and
// may be called at any time, from any goroutine and more than once.
//
// The socket stays open, and its stream stays taken: what arrives from then on is
// read and counted in Stats.Refused, until the caller closes the socket.
func (m *Mux) Close() error {
	m.shut(net.ErrClosed)
	return nil
}

// shut ends the mux and every session.
func (m *Mux) shut(cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.phase == closed {
		return
	}
	m.stopAccepting(cause)
	m.phase, m.why = closed, cause
	close(m.ended)
	for _, c := range m.table.all() {
		m.end(c, cause)
	}
	m.waiting.endAll() // those of drained sessions too
	if m.timer != nil {
		m.timer.Stop()
	}
	m.ranking = ranking{}
}

// stopAccepting closes Sessions. The caller holds mu.
func (m *Mux) stopAccepting(cause error) {
	if m.phase != open {
		return
	}
	m.phase, m.why = draining, cause
	close(m.sessions)
}

// end ends a session, once. A session that was drained still sends, until it is
// ended again. The caller holds mu.
func (m *Mux) end(c *Session, cause error) {
	if c.removed() {
		c.silence(cause)
		m.waiting.end(c)
		return
	}
	if m.phase == draining {
		signal(m.progress)
	}
	m.table.remove(c)
	m.ranking.remove(c)
	switch cause {
	case ErrIdle:
		m.count.EndedIdle++
	case ErrEvicted:
		m.count.EndedEvicted++
	default:
		m.count.EndedClosed++
	}
	c.finish(cause)
	if cause != udp.ErrDrained {
		m.waiting.end(c)
	}
}

// finish ends what the session itself has. The cause is there before anybody can see
// the end. The caller holds Mux.mu and has removed the session.
func (c *Session) finish(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = cause
	c.over.Store(true)
	if c.life != nil {
		c.life.cancel(cause)
	}
	c.closeStream(cause)
	if c.conn != nil && cause != udp.ErrDrained {
		c.conn.stop()
	}
}

// silence ends the sending of a session that was drained.
func (c *Session) silence(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != udp.ErrDrained {
		return
	}
	c.why = cause
	if c.conn != nil {
		c.conn.stop()
	}
}
