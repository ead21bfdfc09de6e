package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// metric names one thing that a sample has measured.
type metric string

const (
	cpu    metric = "CPU ns per datagram"
	rate   metric = "datagrams/s"
	p50    metric = "round trip p50 ns"
	p99    metric = "round trip p99 ns"
	allocs metric = "allocations per datagram"
	calls  metric = "receive calls per datagram"
	memory metric = "heap+stack B per socket"
)

// A sample is what one variant showed in one round.
type sample struct {
	values map[metric]float64
	err    error
}

// A group is a set of variants that are measured in turn, and what is asked about them.
type group struct {
	name  string
	round func(ctx context.Context, variants []string) map[string]sample
	cells []cell
	also  []string // variants that no target names, for reference
}

// A cell is one figure of the table: ours ÷ theirs, or ours alone.
type cell struct {
	row          int
	what         string
	ours, theirs string // variants; no theirs: the figure is absolute
	neighbour    string // as the table names it
	metric       metric
	target       target
	floor        string // the variant whose cost, with a hop on top, nobody can do without
	beside       beside // another ratio of the same metric, to judge the figure by
}

// beside is the ratio of two variants' figures, and what a reader calls it.
type beside struct{ name, of, to string }

type target struct {
	atLeast bool // else at most
	value   float64
	unit    string
}

func atMost(v float64) target  { return target{value: v} }
func atLeast(v float64) target { return target{atLeast: true, value: v} }

func (t target) met(v float64) bool {
	if t.atLeast {
		return v >= t.value
	}
	return v <= t.value
}

// A result is a cell with its figures, one a round.
type result struct {
	cell
	figures []float64
	floors  []float64 // likewise
	besides []float64 // likewise
	problem string    // why there are none: "skipped: ..." or "failed: ..."
}

// A figure is the median of one variant's own measurements, for the reference table.
type figure struct {
	group, variant string
	metric         metric
	value          float64
}

// measure runs the rounds of a group, as far as its rows are wanted.
func (b *bench) measure(ctx context.Context, g group) ([]result, []figure) {
	cells := slices.DeleteFunc(slices.Clone(g.cells), func(c cell) bool { return !b.opts.wants(c.row) })
	if len(cells) == 0 {
		return nil, nil
	}
	variants := b.variants(cells, g.also)
	b.say("%s: %d rounds of %s", g.name, b.opts.rounds, strings.Join(variants, ", "))
	began := time.Now()
	samples := map[string][]sample{}
	for range b.opts.rounds {
		if ctx.Err() != nil {
			return nil, nil
		}
		one := g.round(ctx, variants)
		for _, v := range variants {
			samples[v] = append(samples[v], one[v])
		}
		slices.Reverse(variants) // who goes first gets no advantage
	}
	var results []result
	for _, c := range cells {
		r := b.judge(c, samples)
		results = append(results, r)
		b.say("  %2d %-52s %s", c.row, c.title(), r.summary())
	}
	for _, v := range variants {
		for _, s := range samples[v] {
			if s.err != nil {
				b.say("  lost a round of %s: %v", v, s.err)
			}
		}
	}
	b.say("  took %.0f s", time.Since(began).Seconds())
	return results, figuresOf(g.name, samples)
}

// variants are those that the cells name and that can run here.
func (b *bench) variants(cells []cell, also []string) []string {
	var names []string
	add := func(v string) {
		if v != "" && b.lacks(v) == nil && !slices.Contains(names, v) {
			names = append(names, v)
		}
	}
	for _, c := range cells {
		add(c.ours)
		add(c.theirs)
		add(c.floor)
		add(c.beside.of)
		add(c.beside.to)
	}
	if !b.opts.quick {
		for _, v := range also {
			add(v)
		}
	}
	return names
}

func (b *bench) judge(c cell, samples map[string][]sample) result {
	r := result{cell: c}
	for _, v := range []string{c.ours, c.theirs} {
		if why := b.lacks(v); why != nil {
			r.problem = "skipped: " + why.Error()
			return r
		}
	}
	for i, ours := range samples[c.ours] {
		err := ours.err
		figure := ours.values[c.metric]
		if c.theirs != "" {
			theirs := samples[c.theirs][i]
			if err == nil {
				err = theirs.err
			}
			figure /= theirs.values[c.metric]
		}
		if err != nil {
			r.problem = "failed: " + err.Error()
			continue
		}
		r.figures = append(r.figures, figure)
		if c.floor != "" && b.lacks(c.floor) == nil && samples[c.floor][i].err == nil {
			least := samples[c.floor][i].values[cpu] + b.facts.hop
			r.floors = append(r.floors, least/samples[c.theirs][i].values[cpu])
		}
		if of, to := c.beside.of, c.beside.to; of != "" && b.lacks(of) == nil && b.lacks(to) == nil &&
			samples[of][i].err == nil && samples[to][i].err == nil {
			r.besides = append(r.besides, samples[of][i].values[c.metric]/samples[to][i].values[c.metric])
		}
	}
	if len(r.figures)*2 > len(samples[c.ours]) {
		r.problem = "" // a round or two may be lost on a busy machine
	}
	return r
}

func figuresOf(group string, samples map[string][]sample) []figure {
	var figures []figure
	for _, variant := range slices.Sorted(maps.Keys(samples)) {
		byMetric := map[metric][]float64{}
		for _, s := range samples[variant] {
			for m, v := range s.values {
				byMetric[m] = append(byMetric[m], v)
			}
		}
		for _, m := range slices.Sorted(maps.Keys(byMetric)) {
			figures = append(figures, figure{group, variant, m, median(byMetric[m])})
		}
	}
	return figures
}

func (c cell) title() string {
	if c.neighbour == "" {
		return c.what
	}
	return c.what + " ÷ " + c.neighbour
}

func (r result) summary() string {
	if r.problem != "" {
		return r.problem
	}
	summary := fmt.Sprintf("%s (target %s): %s", r.measured(), r.target, r.verdict())
	if more := r.context(); more != "" {
		summary += "; " + more
	}
	return summary
}
