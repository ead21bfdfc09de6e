package session

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

// periodOf returns when the period of now began, or 0 where no entry is brought
// up to date before it gets to the front.
func (m *Mux) periodOf(now int64) int64 {
	if m.cfg.whenMax == RefuseNew {
		return 0
	}
	return now - now%int64(m.cfg.period())
}
