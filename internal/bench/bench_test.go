package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{7}, 7},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

// Every row of the table has a cell, and every cell a target.
func TestEveryRowIsMeasured(t *testing.T) {
	rows := map[int]bool{}
	for _, g := range testBench(t).groups() {
		for _, c := range g.cells {
			rows[c.row] = true
			if c.target.value == 0 || c.ours == "" || c.metric == "" {
				t.Errorf("%s: row %d, %s: incomplete", g.name, c.row, c.what)
			}
		}
	}
	for row := 1; row <= 25; row++ {
		if !rows[row] && (row < 18 || row > 20) {
			t.Errorf("row %d is not measured", row)
		}
	}
}

func TestOneLostRoundIsForgiven(t *testing.T) {
	b := testBench(t)
	good := sample{values: map[metric]float64{cpu: 2}}
	bad := sample{err: errors.New("a hiccup")}
	c := cell{ours: "messages", theirs: "net", metric: cpu, target: atMost(1)}

	r := b.judge(c, map[string][]sample{"messages": {good, bad, good}, "net": {good, good, good}})
	if r.problem != "" || r.verdict() != "reached" {
		t.Errorf("with one of three lost: %s", r.summary())
	}
	r = b.judge(c, map[string][]sample{"messages": {good, bad, bad}, "net": {good, good, good}})
	if r.verdict() != "not measured" {
		t.Errorf("with two of three lost: %s", r.summary())
	}
}

func TestWhatIsMissingIsSkippedWithTheReason(t *testing.T) {
	b := testBench(t)
	b.whyNoJS = errors.New("node is not on this machine")
	r := b.judge(cell{ours: "messages", theirs: "node", metric: rate}, nil)
	if r.problem != "skipped: node is not on this machine" {
		t.Errorf("got %q", r.problem)
	}
}

func TestDifferenceOfRatios(t *testing.T) {
	values := func(v float64) []sample { return []sample{{values: map[metric]float64{cpu: v}}} }
	c := cell{ours: "a", theirs: "b", metric: cpu, less: ratio{"net", "c", "d"}}
	r := testBench(t).judge(c, map[string][]sample{"a": values(6), "b": values(4), "c": values(5), "d": values(4)})
	if r.median() != 0.25 {
		t.Errorf("6/4 less 5/4 is %v, want 0.25", r.median())
	}
}

func TestChartIsXML(t *testing.T) {
	r := report{figures: []figure{
		{panel: receiving, block: "<64> & such", variant: "net", metric: cpu, value: 812},
		{panel: receiving, block: "<64> & such", variant: "messages", metric: cpu, value: 700},
		{panel: sending, block: "64", variant: "outbox", metric: cpu, value: 80},
	}}
	for d := xml.NewDecoder(strings.NewReader(r.chart())); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func testBench(t *testing.T) *bench {
	t.Helper()
	return &bench{ip: netip.MustParseAddr("127.0.0.1"), cpus: []int{0, 1}, room: 4 << 20}
}
