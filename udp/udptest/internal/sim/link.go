package sim

import (
	"math"
	"slices"
	"time"
)

// A Link describes one direction between two hosts. The zero Link is perfect.
type Link struct {
	Latency   time.Duration
	Jitter    time.Duration // added to Latency: uniformly from 0 to Jitter; keeps the order of a flow
	Loss      float64       // probability that a packet is lost
	BurstLoss float64       // probability that a packet begins a run of BurstLength lost ones
	Burst     int
	Duplicate float64
	Reorder   float64 // probability that a datagram takes ReorderBy longer and is overtaken
	ReorderBy time.Duration
	Corrupt   float64       // probability that one bit of the payload changes
	Rate      int           // payload bytes per second, 0 for no limit
	Queue     int           // payload bytes that wait for Rate
	MTU       int           // of an IP packet, 0 for 65535
	Lifetime  time.Duration // longer in queue and link is lost; 0 for no limit
	Outages   []Outage
}

// An Outage is a time in which a link carries nothing: from Start after the
// link was made, for Length, and again each time that Every has passed, unless
// Every is 0.
type Outage struct{ Start, Length, Every time.Duration }

// covers reports whether the link is down at a time since it was made.
func (o Outage) covers(at time.Duration) bool {
	at -= o.Start
	if o.Every > 0 && at > 0 {
		at %= o.Every
	}
	return at >= 0 && at < o.Length
}

// link is a Link in use.
type link struct {
	Link
	id    uint64 // of the two hosts: the same in every run
	since time.Duration
	name  string
	flows map[flowKey]*flow
	busy  time.Duration // until then the link sends what is in its queue
}

// A flow is what a link knows about one pair of addresses.
type flow struct {
	hash  uint64
	count uint64        // packets so far
	burst int           // packets that the current run still loses
	last  time.Duration // when the last one in order arrives
}

// SetLink describes the direction from a to b from now on. What is in flight
// is not affected; what is in the old link's queue leaves the send buffers.
func (n *Network) SetLink(a, b *Host, l Link) {
	n.lock()
	defer n.unlock()
	n.topo++
	if old := n.links[direction{a, b}]; old != nil && old.Rate > 0 {
		a.depart(old)
	}
	n.links[direction{a, b}] = &link{
		Link:  l,
		id:    combine(uint64(a.index), uint64(b.index)),
		since: n.now(),
		name:  a.name + " to " + b.name,
		flows: map[flowKey]*flow{},
	}
}

// depart empties the send buffers of the host of what waits for a link.
func (h *Host) depart(l *link) {
	for _, conns := range h.ports {
		for _, c := range conns {
			c.departs = slices.DeleteFunc(c.departs, func(d departure) bool {
				if d.link == l {
					c.charged -= d.bytes
				}
				return d.link == l
			})
			ring(c.room)
		}
	}
}

func (l *link) flow(k flowKey) *flow {
	f := l.flows[k]
	if f == nil {
		f = &flow{hash: k.hash()}
		l.flows[k] = f
	}
	return f
}

// A crossing is what a link does to one packet.
type crossing struct {
	lost      Outcome // Delivered if it is not
	at        time.Duration
	departs   time.Duration // when it has left the queue
	mark      bool          // congestion experienced
	corrupt   int           // bit of the payload that changes, -1 for none
	again     bool          // a duplicate follows
	duplicate time.Duration // when it arrives
}

// cross decides what happens to a packet that enters the link now.
func (l *link) cross(n *Network, now time.Duration, p *packet) crossing {
	f := l.flow(flowKey{p.src, p.dst})
	f.count++
	p.number = f.count
	luck := chance(combine(n.seed, l.id, f.hash, f.count))
	c := crossing{at: now, departs: now, corrupt: -1}
	if l.down(now) {
		c.lost = LinkDown
		return c
	}
	if l.full(now, len(p.data)) {
		c.lost = QueueFull
		return c
	}
	if l.Rate > 0 {
		l.enqueue(now, len(p.data), &c)
	}
	if c.lost = l.lose(f, luck, p); c.lost != Delivered {
		return c
	}
	c.at = l.delay(f, luck, c.departs, forJitter, luck.roll(forReorder) < l.Reorder)
	if l.Lifetime > 0 && c.at-now > l.Lifetime {
		c.lost = Expired
		return c
	}
	if n := len(p.data); n > 0 && luck.roll(forCorrupt) < l.Corrupt {
		c.corrupt = int(luck.below(forCorruptPlace, uint64(n)*8))
	}
	if luck.roll(forDuplicate) < l.Duplicate {
		c.again = true
		c.duplicate = l.delay(f, luck, c.departs, forDuplicateJitter, false)
	}
	return c
}

func (l *link) down(now time.Duration) bool {
	for _, o := range l.Outages {
		if o.covers(now - l.since) {
			return true
		}
	}
	return false
}

// full reports whether the link is up and its queue has no room for so many bytes.
func (l *link) full(now time.Duration, bytes int) bool {
	if l.Rate == 0 || l.down(now) {
		return false
	}
	waiting := l.waiting(now)
	return waiting > 0 && waiting+bytes > l.Queue
}

// enqueue makes the packet wait for the link's rate. Beyond half of the queue a
// packet that knows ECN is marked.
func (l *link) enqueue(now time.Duration, bytes int, c *crossing) {
	waiting := l.waiting(now)
	c.mark = waiting > 0 && 2*(waiting+bytes) > l.Queue
	l.busy = max(l.busy, now) + time.Duration(float64(bytes)/float64(l.Rate)*float64(time.Second))
	c.departs = l.busy
}

// waiting is how many bytes are in the queue.
func (l *link) waiting(now time.Duration) int {
	if l.busy <= now {
		return 0
	}
	return int(math.Ceil((l.busy-now).Seconds()*float64(l.Rate) - 1e-6))
}

// lose decides about loss: in runs, and by itself. What crosses in fragments is
// lost with any of them.
func (l *link) lose(f *flow, luck chance, p *packet) Outcome {
	if f.burst == 0 && luck.roll(forBurst) < l.BurstLoss {
		f.burst = l.Burst
	}
	if f.burst > 0 {
		f.burst--
		return LostInBurst
	}
	loss := l.Loss
	if parts := fragments(p.dst.Addr(), len(p.data), l.MTU); parts > 1 {
		loss = 1 - math.Pow(1-loss, float64(parts))
	}
	if luck.roll(forLoss) < loss {
		return Lost
	}
	return Delivered
}

// delay says when a packet that leaves the queue at a time arrives. In a flow,
// only reordered ones are overtaken.
func (l *link) delay(f *flow, luck chance, departs time.Duration, jitter purpose, reordered bool) time.Duration {
	at := departs + l.Latency + time.Duration(luck.roll(jitter)*float64(l.Jitter))
	if reordered {
		return at + l.ReorderBy
	}
	f.last = max(f.last, at)
	return f.last
}
