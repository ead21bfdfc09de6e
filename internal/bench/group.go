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
	wall   metric = "ns per datagram"
	rate   metric = "datagrams/s"
	p50    metric = "round trip p50 ns"
	p99    metric = "round trip p99 ns"
	allocs metric = "allocations per datagram"
	calls  metric = "receive calls per datagram"
	memory metric = "heap+stack B per socket"
	held   metric = "B"
)

// A sample is what one variant showed in one round.
type sample struct {
	values map[metric]float64
	err    error
}

// A group is a set of variants that are measured in turn, and what is asked about them.
type group struct {
	name  string
	still bool // nothing else runs; without it every CPU has other work, at the lowest priority
	slow  bool // a round takes seconds: one is enough for -quick
	round func(ctx context.Context, variants []string) map[string]sample
	cells []cell
	also  []string // variants that no cell names, for the picture and the table of figures

	panel, block string // where the picture shows the group's CPU, if it does
}

// A cell is one figure of the table: ours ÷ theirs, or ours alone.
type cell struct {
	row          int
	what         string
	ours, theirs string // variants; no theirs: the figure is absolute
	neighbor     string // as the table names it
	metric       metric
	target       target
	less         ratio // is subtracted
	beside       ratio // to judge the figure by
}

// A ratio is that of two variants' figures, and what a reader calls it.
type ratio struct{ name, of, to string }

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
	besides []float64 // likewise
	problem string    // why there are none: "skipped: ..." or "failed: ..."
}

// A figure is the median of one variant's own measurements.
type figure struct {
	group, panel, block string
	variant             string
	metric              metric
	value               float64
}

// measure runs the rounds of a group, as far as its rows are wanted.
func (b *bench) measure(ctx context.Context, g group) ([]result, []figure) {
	cells := slices.DeleteFunc(slices.Clone(g.cells), func(c cell) bool { return !b.opts.wants(c.row) })
	if len(cells) == 0 {
		return nil, nil
	}
	if b.opts.other != "" {
		for i, c := range cells {
			cells[i].beside = ratio{"÷ the other build", c.ours, otherPrefix + c.ours}
		}
		g.also = nil
	}
	if g.still {
		b.idle()
	} else {
		b.busy(ctx)
	}
	variants := b.variants(cells, g.also)
	rounds := b.opts.rounds
	if g.slow {
		rounds = b.effort(rounds, 1)
	}
	b.say("%s: %d rounds of %s", g.name, rounds, strings.Join(variants, ", "))
	began := time.Now()
	samples := map[string][]sample{}
	for range rounds {
		one := g.round(ctx, variants)
		if ctx.Err() != nil {
			return nil, nil
		}
		for _, v := range variants {
			samples[v] = append(samples[v], one[v])
		}
		slices.Reverse(variants) // who goes first gets no advantage
	}
	var results []result
	for _, c := range cells {
		r := b.judge(c, samples)
		results = append(results, r)
		b.say("  %2d %-60s %s", c.row, c.title(), r.summary())
	}
	for _, v := range variants {
		for _, s := range samples[v] {
			if s.err != nil {
				b.say("  lost a round of %s: %v", v, s.err)
			}
		}
	}
	b.say("  took %.0f s", time.Since(began).Seconds())
	return results, g.figures(samples)
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
		for _, v := range []string{c.ours, c.theirs, c.less.of, c.less.to, c.beside.of, c.beside.to} {
			add(v)
		}
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
	for i := range samples[c.ours] {
		figure, err := divide(samples, i, c.metric, c.ours, c.theirs)
		if c.less.of != "" && err == nil {
			var less float64
			less, err = divide(samples, i, c.metric, c.less.of, c.less.to)
			figure -= less
		}
		if err != nil {
			r.problem = "failed: " + err.Error()
			continue
		}
		r.figures = append(r.figures, figure)
		if c.beside.of != "" && b.lacks(c.beside.of) == nil && b.lacks(c.beside.to) == nil {
			if v, err := divide(samples, i, c.metric, c.beside.of, c.beside.to); err == nil {
				r.besides = append(r.besides, v)
			}
		}
	}
	if len(r.figures)*2 > len(samples[c.ours]) {
		r.problem = "" // a round or two may be lost on a busy machine
	}
	return r
}

// divide is the ratio of two variants in one round, or one variant alone.
func divide(samples map[string][]sample, round int, m metric, of, to string) (float64, error) {
	s := samples[of][round]
	if s.err != nil || to == "" {
		return s.values[m], s.err
	}
	base := samples[to][round]
	return s.values[m] / base.values[m], base.err
}

func (g group) figures(samples map[string][]sample) []figure {
	var figures []figure
	for _, variant := range slices.Sorted(maps.Keys(samples)) {
		byMetric := map[metric][]float64{}
		for _, s := range samples[variant] {
			for m, v := range s.values {
				byMetric[m] = append(byMetric[m], v)
			}
		}
		for _, m := range slices.Sorted(maps.Keys(byMetric)) {
			figures = append(figures, figure{g.name, g.panel, g.block, variant, m, median(byMetric[m])})
		}
	}
	return figures
}

func (c cell) title() string {
	if c.neighbor == "" {
		return c.what
	}
	return c.what + " ÷ " + c.neighbor
}

func (r result) summary() string {
	if r.problem != "" {
		return r.problem
	}
	return fmt.Sprintf("%s (target %s): %s", r.measured(), r.target, r.remark())
}
