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

// maxSteps bounds the entries that are brought up to date in one go, and so the
// time for which datagrams wait for mu.
const maxSteps = 256

// ranking has the two idle queues of a mux: strangers for peers to which nothing was
// ever sent, known for the others.
type ranking struct {
	strangers, known idleQueue
}

func (r *ranking) add(c *Session, now int64) {
	if c.answered.Load() {
		c.ranked = true
		r.known.push(c, now)
	} else {
		r.strangers.push(c, now)
	}
}

func (r *ranking) remove(c *Session) {
	if c.ranked {
		r.known.remove(c)
	} else {
		r.strangers.remove(c)
	}
}

// answer moves a stranger to the known peers: something was sent to it.
func (r *ranking) answer(c *Session) {
	c.answered.Store(true)
	if !c.ranked && !c.removed() {
		r.strangers.remove(c)
		c.ranked = true
		r.known.push(c, c.last.Load())
	}
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

// passed notes that a datagram of c has passed. first is when the period of now
// began. It reports whether the entry of c has to be brought up to date.
func (c *Session) passed(now, first int64) bool {
	was := c.last.Load()
	c.last.Store(now)
	return was < first
}

// renew brings the entry of c up to date.
func (r *ranking) renew(c *Session) {
	if c.removed() {
		return
	}
	q := r.strangers
	if c.ranked {
		q = r.known
	}
	if last := c.last.Load(); last > q[c.place].since {
		q.down(int(c.place), idleEntry{last, c})
	}
}

// idlest returns the session to evict, a stranger where there is one. Where more
// than maxSteps sessions have had datagrams in the present period that the queue does
// not know of, it may have been idle for less time than the idlest, by a period
// at most. There is at least one session.
func (r *ranking) idlest() *Session {
	q := r.strangers
	if len(q) == 0 {
		q = r.known
	}
	for steps := maxSteps; steps > 0 && !q.refresh(); steps-- {
	}
	return q[0].c
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

// periodOf returns when the period of now began, or 0 where no entry is brought
// up to date before it gets to the front.
func (m *Mux) periodOf(now int64) int64 {
	if m.cfg.whenMax == RefuseNew {
		return 0
	}
	return now - now%int64(m.cfg.period())
}

// now is the time since the mux was made. It is never 0.
func (m *Mux) now() int64 { return int64(time.Since(m.start)) + 1 }
