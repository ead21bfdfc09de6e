package main

import (
	"context"
	"time"
)

// trickle measures receive calls per datagram at a low, even rate: what a socket
// does that is mostly waiting. The socket counts its own calls.
type trickle struct {
	b    *bench
	gap  time.Duration
	n    int
	size int
}

func (t trickle) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	for _, v := range variants {
		perDatagram, err := t.one(ctx, v)
		samples[v] = sample{values: map[metric]float64{calls: perDatagram}, err: err}
	}
	return samples
}

func (t trickle) one(ctx context.Context, variant string) (float64, error) {
	r, err := t.b.startReceiver(ctx, variant, t.b.allPs(), recvJob{every: t.n})
	if err != nil {
		return 0, err
	}
	defer r.stop()
	f, err := newFiller(r.at, t.size, false)
	if err != nil {
		return 0, err
	}
	defer f.close()
	if err := paced(t.n, t.gap, func(int) error { return f.send(1) }); err != nil {
		return 0, err
	}
	if _, err := r.expect("got", 2*time.Second); err != nil {
		return 0, err
	}
	if err := r.tell("stats"); err != nil {
		return 0, err
	}
	stats, err := r.expect("stats", 2*time.Second)
	if err != nil {
		return 0, err
	}
	return float64(stats.numbers[1]) / float64(stats.numbers[0]), nil
}

// paced does one thing after another with even gaps, waiting awake.
func paced(n int, gap time.Duration, do func(i int) error) error {
	next := monotonic()
	for i := range n {
		for monotonic() < next {
		}
		if err := do(i); err != nil {
			return err
		}
		next = max(next+gap.Nanoseconds(), monotonic()) // late is late: no bursts to catch up
	}
	return nil
}
