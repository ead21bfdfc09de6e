package main

import (
	"context"
	"errors"
	"time"
)

// drain measures what receiving alone costs: while a receiver is frozen its queue is
// filled, then it is thawed and empties the queue with no sender running. Its CPU clock
// is read from outside before, and by itself in its report after the last datagram.
//
// The filling is done on the receiver's own core. What another core has queued may have
// to be moved between the cores' caches first: here that made net's 190 ns a datagram
// 190 or 395, depending on where the hypervisor had put the virtual CPUs that hour, and
// blurred every ratio. -fill other measures it that way.
type drain struct {
	b      *bench
	on     place
	size   int
	gso    bool
	n      func(variant string) int // datagrams in a fill
	fills  int                      // counted ones in a round; one more comes first, to warm up
	allocs bool
}

func (d drain) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	receivers := map[string]*drained{}
	for _, v := range variants {
		r, err := d.open(ctx, v)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		defer r.close()
		receivers[v] = r
	}
	for range d.fills + 1 {
		for _, v := range variants {
			r := receivers[v]
			if r == nil || samples[v].err != nil {
				continue
			}
			if err := r.once(); err != nil {
				samples[v] = sample{err: err}
			}
		}
	}
	for v, r := range receivers {
		if samples[v].err == nil {
			samples[v] = r.sample()
		}
	}
	return samples
}

// drained is one receiver and what its fills have shown.
type drained struct {
	receiver
	filler  *filler
	b       *bench
	cpu     []float64 // ns per datagram
	mallocs []int64   // totals
	n       int
}

func (d drain) open(ctx context.Context, variant string) (*drained, error) {
	n := d.n(variant)
	r, err := d.b.startReceiver(ctx, variant, d.on, n, d.b.room, d.allocs)
	if err != nil {
		return nil, err
	}
	f, err := newFiller(r.at, d.size, d.gso)
	if err != nil {
		r.stop()
		return nil, err
	}
	return &drained{receiver: r, filler: f, b: d.b, n: n}, nil
}

func (r *drained) once() error {
	if err := r.freeze(); err != nil {
		return err
	}
	if err := r.fill(); err != nil {
		return err
	}
	before := cpuOf(r.cmd.Process.Pid)
	if err := r.thaw(); err != nil {
		return err
	}
	got, err := r.expect("got", 5*time.Second)
	if err != nil {
		return err
	}
	r.cpu = append(r.cpu, float64(got.numbers[3]-before)/float64(r.n))
	r.mallocs = append(r.mallocs, got.numbers[4])
	return nil
}

// fill sends the datagrams from the core that is to send them, and comes back.
func (r *drained) fill() error {
	if err := pinThread(r.b.fillCPU); err != nil {
		return err
	}
	return errors.Join(r.filler.send(r.n), pinThread(r.b.sendCPU))
}

// sample leaves out the first fill.
func (r *drained) sample() sample {
	last := len(r.mallocs) - 1
	values := map[metric]float64{cpu: median(r.cpu[1:])}
	if r.mallocs[last] > 0 {
		values[allocs] = float64(r.mallocs[last]-r.mallocs[0]) / float64(last*r.n)
	}
	return sample{values: values}
}

func (r *drained) close() {
	r.filler.close()
	r.stop()
}
