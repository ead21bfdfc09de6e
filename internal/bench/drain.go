package main

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// drain measures what receiving alone costs: a queue is filled in the kernel, then a
// receiver empties it with no sender running.
//
// A receiver opens a new socket for every queue, and begins to read it when the queue is
// full: as a program begins, and as it goes on when it has been busy elsewhere. gnet and
// Node cannot open a socket without reading it. They are stopped while the queue is
// filled, which does them no harm: each has one thread. Nor would it be wrong to stop
// everyone, but it would show something else: stopped threads come back one after the
// other, and find each other where no running program finds them. That is frozen.
type drain struct {
	b      *bench
	on     place
	size   int
	gso    bool
	frozen bool
	any    bool                     // sockets on the wildcard address
	work   int                      // ns of labor for each datagram
	n      func(variant string) int // datagrams in a queue
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

// drained is one receiver and what its queues have shown.
type drained struct {
	receiver
	drain
	once      func() error
	n         int
	cpu, wall []float64 // ns per datagram
	mallocs   []float64 // per datagram
}

func (d drain) open(ctx context.Context, variant string) (*drained, error) {
	r := &drained{drain: d, n: d.n(variant)}
	r.once = r.turn
	job := recvJob{every: r.n, buffer: d.b.room, allocs: d.allocs, work: int(float64(d.work) * d.b.facts.steps), bursts: d.gso}
	var err error
	if variant == "gnet" || variant == "node" { // they ask for no more than the system allows
		job.buffer = min(4<<20, allowedBuffer())
		r.n = min(r.n, 2*job.buffer*3/4/(768+2*d.size)/burst*burst)
		job.every = r.n
	}
	if d.frozen || variant == "gnet" || variant == "node" {
		r.once = r.freezeAndThaw
		r.receiver, err = d.b.startReceiver(ctx, variant, d.on, job)
	} else {
		r.receiver, err = d.b.startTurns(ctx, variant, d.on, d.any, job)
	}
	return r, err
}

// turn fills the queue of a new socket and has it read.
func (r *drained) turn() error {
	if err := r.tell("open"); err != nil {
		return err
	}
	at, err := r.expect("at", 5*time.Second)
	if err != nil {
		return err
	}
	r.at = netip.AddrPortFrom(r.b.ip, uint16(at.numbers[0]))
	if err := r.fill(); err != nil {
		return err
	}
	if err := r.tell("go"); err != nil {
		return err
	}
	began, err := r.expect("began", 5*time.Second)
	if err != nil {
		return err
	}
	got, err := r.expect("got", 10*time.Second)
	if err != nil {
		return err
	}
	r.note(got.numbers[2]-began.numbers[0], got.numbers[3]-began.numbers[1], got.numbers[4]-began.numbers[2])
	return nil
}

// freezeAndThaw fills the queue of a receiver that is stopped.
func (r *drained) freezeAndThaw() error {
	if err := r.freeze(); err != nil {
		return err
	}
	if err := r.fill(); err != nil {
		return err
	}
	used, began := cpuOf(r.cmd.Process.Pid), monotonic()
	if err := r.thaw(); err != nil {
		return err
	}
	got, err := r.expect("got", 10*time.Second)
	if err != nil {
		return err
	}
	r.note(got.numbers[2]-began, got.numbers[3]-used, 0)
	return nil
}

func (r *drained) note(wall, cpu, mallocs int64) {
	n := float64(r.n)
	r.wall = append(r.wall, float64(wall)/n)
	r.cpu = append(r.cpu, float64(cpu)/n)
	r.mallocs = append(r.mallocs, float64(mallocs)/n)
}

// fill sends the datagrams from the receivers' last core. What another core has queued
// may have to be moved between the cores' caches first, which blurs the ratios where a
// receiver is kept on one core.
func (r *drained) fill() error {
	f, err := newFiller(r.at, r.size, r.gso)
	if err != nil {
		return err
	}
	defer f.close()
	if err := pinThread(r.b.recvCPU); err != nil {
		return err
	}
	return errors.Join(f.send(r.n), pinThread(r.b.sendCPU))
}

// sample leaves out the first queue.
func (r *drained) sample() sample {
	values := map[metric]float64{cpu: median(r.cpu[1:]), wall: median(r.wall[1:])}
	if r.allocs {
		values = map[metric]float64{allocs: median(r.mallocs[1:])}
	}
	return sample{values: values}
}

func (r *drained) close() { r.stop() }
