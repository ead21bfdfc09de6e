package sim

import "time"

// transit holds the packets in flight in a heap, by time of arrival and then by order
// of sending. One timer serves it.
type transit struct {
	heap  []arrival
	seq   uint64
	timer *time.Timer
	armed time.Duration // when the timer fires, 0 for never
	over  bool
}

// An arrival is a packet and when it arrives.
type arrival struct {
	at  time.Duration
	seq uint64
	p   *packet
}

func (a *arrival) before(b *arrival) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// schedule makes p arrive at a time. The caller holds the network's mutex.
func (n *Network) schedule(at time.Duration, p *packet) {
	t := &n.transit
	if t.over {
		return
	}
	t.seq++
	t.push(arrival{at, t.seq, p})
	n.arm()
}

// arm sets the timer for the first arrival.
func (n *Network) arm() {
	t := &n.transit
	if len(t.heap) == 0 {
		return
	}
	at := max(t.heap[0].at, 1)
	if t.armed != 0 && t.armed <= at {
		return
	}
	t.armed = at
	left := at - n.now()
	if t.timer == nil {
		t.timer = time.AfterFunc(left, n.arrive)
	} else {
		t.timer.Reset(left)
	}
}

// arrive is what the timer does: lock takes what is due out of transit.
func (n *Network) arrive() {
	n.lock()
	defer n.unlock()
	n.transit.armed = 0
	n.arm()
}

// arrivals takes everything that is due out of transit. The caller holds the
// network's mutex.
func (n *Network) arrivals() {
	t := &n.transit
	if len(t.heap) == 0 {
		return
	}
	for now := n.now(); len(t.heap) > 0 && t.heap[0].at <= now; {
		n.reach(t.pop().p)
	}
}

// stop drops what is in transit.
func (t *transit) stop() {
	t.over, t.heap = true, nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

func (t *transit) push(a arrival) {
	t.heap = append(t.heap, a)
	h := t.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (t *transit) pop() arrival {
	h := t.heap
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], arrival{}
	h = h[:last]
	t.heap = h
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if r := down + 1; r < len(h) && h[r].before(&h[down]) {
			down = r
		}
		if !h[down].before(&h[i]) {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	return first
}
