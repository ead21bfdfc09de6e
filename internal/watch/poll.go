package watch

import (
	"context"
	"slices"
	"time"
)

// Interval is how often a Watcher looks that has to.
const Interval = time.Second

// Poll returns a Watcher that calls list at an interval. The first call is made
// at once: it is what later ones are compared with.
func Poll(list func() ([]Interface, error), every time.Duration) Watcher {
	last, _ := list() // what could not be read will be a change
	return &poller{list: list, every: every, last: last}
}

type poller struct {
	list  func() ([]Interface, error)
	every time.Duration
	last  []Interface
}

// Wait looks until it sees something new. That the list cannot be read may
// pass: it is read again.
func (p *poller) Wait(ctx context.Context) (Change, error) {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return Change{}, ctx.Err()
		case <-tick.C:
		}
		now, err := p.list()
		if err != nil || slices.Equal(now, p.last) {
			continue
		}
		c := Change{Interfaces: now, Deleted: missing(p.last, now)}
		p.last = now
		return c, nil
	}
}

func (p *poller) Close() {}

// missing returns the indexes in before that are not in now.
func missing(before, now []Interface) (indexes []int) {
	for _, b := range before {
		if !slices.ContainsFunc(now, func(n Interface) bool { return n.Index == b.Index }) {
			indexes = append(indexes, b.Index)
		}
	}
	return indexes
}
