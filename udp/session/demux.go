package session

import (
	"example.com/dgram/udp"
)

// batchSize is the most datagrams that the mux takes at a time.
const batchSize = 64

// deliver gives each datagram to the session of its peer, or opens one, or counts
// why not. It runs in the goroutine that reads the socket.
//
// It finds the sessions of all datagrams before it touches the first: with many
// sessions most of the time goes into waiting for memory, and these loads do not
// wait for each other.
func (m *Mux) deliver(batch []udp.Message) {
	found := m.found[:len(batch)]
	now := m.now()
	first := m.periodOf(now)
	m.mu.Lock()
	defer m.mu.Unlock()
	defer clear(found)
	for i := range batch {
		found[i] = m.table.find(batch[i].From, batch[i].To)
	}
	for i := range batch {
		d, c := &batch[i], found[i]
		if c == nil || c.removed() { // before the batch, or by what came before in it
			if c = m.table.find(d.From, d.To); c == nil {
				c = m.greet(d, now)
			}
			if c == nil {
				d.Release()
				continue
			}
		}
		if !c.knowsLocal() {
			c.settle(d.To, d.Interface)
		}
		if c.passed(now, first) {
			m.ranking.renew(c)
		}
		switch c.push(d, &m.cfg) {
		case queued:
			m.count.Delivered++
		case dropped, replaced:
			m.count.DroppedQueue++ // and where one was replaced, Delivered counts the new one in its place
		}
	}
}

// greet returns a session for a datagram that has none, or counts why there is
// none. The caller holds mu.
func (m *Mux) greet(d *udp.Message, now int64) *Session {
	if m.cfg.admit != nil {
		if !m.mayBegin() {
			return nil
		}
		if !m.ask(d) {
			m.count.Refused++
			return nil
		}
		if c := m.table.find(d.From, d.To); c != nil {
			return c // of an Open meanwhile
		}
	}
	if !m.mayBegin() {
		return nil
	}
	m.makeRoom()
	c := &Session{mux: m, peer: d.From}
	c.settle(d.To, d.Interface)
	m.add(c, now)
	m.offered++
	m.sessions <- c // mayBegin has seen room, and only this goroutine sends
	return c
}

// ask asks the program about a peer. The caller holds mu, and ask does not while the
// program's function runs.
func (m *Mux) ask(d *udp.Message) bool {
	m.mu.Unlock()
	defer m.mu.Lock() // after a panic too: the caller's deferred call unlocks mu
	return m.cfg.admit(*d)
}

// mayBegin reports whether a peer's datagram may open a session now. Where it may
// not, the datagram is counted.
func (m *Mux) mayBegin() bool {
	switch {
	case m.phase != open,
		m.table.n >= m.cfg.max && m.cfg.whenMax == RefuseNew:
		m.count.Refused++
	case len(m.sessions) == cap(m.sessions):
		m.count.DroppedBacklog++
	default:
		return true
	}
	return false
}
