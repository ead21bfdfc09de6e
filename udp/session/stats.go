package session

import "iter"

// Stats is a snapshot of what a mux has done. All numbers only grow.
//
// Every datagram that the mux has read from the socket is in exactly one of
// Delivered, Refused, DroppedQueue and DroppedBacklog. Opened less the three
// Ended counters is [Mux.Len].
type Stats struct {
	Opened       uint64 // sessions, by a peer's datagram or by Open
	Accepted     uint64 // of them, those taken from Sessions or Accept
	EndedIdle    uint64 // sessions without datagrams for as long as Idle
	EndedEvicted uint64 // sessions that made room for others
	EndedClosed  uint64 // sessions ended by Close, Drain or the end of the socket

	Delivered      uint64 // datagrams that are in a session's stream, or were taken from it
	Refused        uint64 // datagrams for which no session was opened: Admit, Max, Drain, or after Close
	DroppedQueue   uint64 // datagrams that a full queue dropped, the new one or the oldest
	DroppedBacklog uint64 // datagrams of new peers while the backlog was full
}

// All yields every counter with its name in snake case, for collectors.
func (s Stats) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		_ = yield("opened", s.Opened) &&
			yield("accepted", s.Accepted) &&
			yield("ended_idle", s.EndedIdle) &&
			yield("ended_evicted", s.EndedEvicted) &&
			yield("ended_closed", s.EndedClosed) &&
			yield("delivered", s.Delivered) &&
			yield("refused", s.Refused) &&
			yield("dropped_queue", s.DroppedQueue) &&
			yield("dropped_backlog", s.DroppedBacklog)
	}
}

// Stats returns a snapshot.
func (m *Mux) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.count
	// Sessions are sent under mu, so that the difference only grows.
	s.Accepted = m.offered - uint64(len(m.sessions))
	return s
}
