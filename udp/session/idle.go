package session

import "time"

// Expiry and eviction ask the same question: which session has been idle for
// the longest time? An idleQueue answers it. A datagram only stores its time in
// the session; the queue learns of it when the session gets to the front. So a
// datagram costs one store, and one timer serves all sessions.
//
// For expiry that is enough. Eviction has to find the idlest session in a bounded
// time, however many sessions have had datagrams that their queue does not know of.
// With EvictIdlest the first datagram of a session in each period of time (see
// config.period) therefore brings its entry up to date. No entry is then behind by
// more than a period.

// An idleQueue is a heap of sessions by the last known time of a datagram. Its
// entries have the time beside the pointer, so that most comparisons stay within
// the heap's memory.
type idleQueue []idleEntry

type idleEntry struct {
	since int64 // a datagram passed then; the session may know of a later one
	c     *Session
}

// fanout is the number of children of an entry. Four are one cache line.
const fanout = 4

func (q *idleQueue) push(c *Session, since int64) {
	*q = append(*q, idleEntry{})
	q.up(len(*q)-1, idleEntry{since, c})
}

func (q *idleQueue) remove(c *Session) {
	h := *q
	i, last := int(c.place), h[len(h)-1]
	h[len(h)-1] = idleEntry{}
	*q = h[:len(h)-1]
	if last.c == c {
		return
	}
	if i > 0 && last.since < h[(i-1)/fanout].since {
		q.up(i, last)
	} else {
		q.down(i, last)
	}
}

// up puts e at i or nearer to the front.
func (q idleQueue) up(i int, e idleEntry) {
	for i > 0 {
		parent := (i - 1) / fanout
		if q[parent].since <= e.since {
			break
		}
		q.put(i, q[parent])
		i = parent
	}
	q.put(i, e)
}

// down puts e at i or farther from the front.
func (q idleQueue) down(i int, e idleEntry) {
	for {
		first := i*fanout + 1
		if first >= len(q) {
			break
		}
		least := first
		for child := first + 1; child < min(first+fanout, len(q)); child++ {
			if q[child].since < q[least].since {
				least = child
			}
		}
		if q[least].since >= e.since {
			break
		}
		q.put(i, q[least])
		i = least
	}
	q.put(i, e)
}

func (q idleQueue) put(i int, e idleEntry) {
	q[i] = e
	e.c.place = int32(i)
}

// refresh looks at the front of the queue and brings the entry up to date. It
// reports whether the session at the front is the idlest.
func (q idleQueue) refresh() bool {
	front := q[0]
	last := front.c.last.Load()
	if last <= front.since {
		return true
	}
	q.down(0, idleEntry{last, front.c})
	return false
}

// expired returns a session that has been idle for too long, or nil and the
// time of the next that may be; 0 is never. It spends steps.
func (m *Mux) expired(now int64, steps *int) (c *Session, next int64) {
	for _, class := range []struct {
		queue *idleQueue
		idle  time.Duration
	}{
		{&m.ranking.strangers, m.cfg.strangerIdle()},
		{&m.ranking.known, m.cfg.idle},
	} {
		for len(*class.queue) > 0 {
			due := (*class.queue)[0].since + int64(class.idle)
			if due > now || *steps <= 0 {
				if next == 0 || due < next {
					next = due
				}
				break
			}
			*steps--
			if class.queue.refresh() {
				return (*class.queue)[0].c, 0
			}
		}
	}
	return nil, next
}

// expire ends the sessions that have been idle for too long. The timer calls it.
func (m *Mux) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alarm = 0
	if m.phase == closed {
		return
	}
	now := m.now()
	steps := maxSteps
	for {
		c, next := m.expired(now, &steps)
		if c == nil {
			m.wake(next, now)
			return
		}
		m.end(c, ErrIdle)
	}
}

// tick is the least time between two runs of the timer, but for what one run
// has left over.
const tick = time.Millisecond

// wake has expire run at a time, or earlier.
func (m *Mux) wake(at, now int64) {
	if at == 0 || m.alarm != 0 && m.alarm <= at {
		return
	}
	m.alarm = at
	wait := time.Duration(at - now)
	if wait > 0 {
		wait = max(wait, tick)
	}
	if m.timer == nil {
		m.timer = time.AfterFunc(wait, m.expire)
	} else {
		m.timer.Reset(wait)
	}
}

// watch has expire run when a session of now may be idle.
func (m *Mux) watch(c *Session, now int64) {
	idle := m.cfg.idle
	if !c.ranked {
		idle = m.cfg.strangerIdle()
	}
	m.wake(now+int64(idle), now)
}

// now is the time since the mux was made. It is never 0.
func (m *Mux) now() int64 { return int64(time.Since(m.start)) + 1 }
