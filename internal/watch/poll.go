package watch

import (
	"context"
	"slices"
	"time"
)

// Interval is the time between two looks of a Watcher that polls.
const Interval = time.Second

// Poll returns a Watcher that calls list at an interval. Poll itself makes the first
// call, with whose result the next one is compared.
func Poll(list func() ([]Interface, error), every time.Duration) Watcher {
	last, _ := list() // after an error, the first list that succeeds is a change
	return &poller{list: list, every: every, last: last}
}

type poller struct {
	list  func() ([]Interface, error)
	every time.Duration
	last  []Interface
}

// Wait calls list until its result differs. An error of list may be temporary, so
// Wait goes on.
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
