package main

import (
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// A report is what was measured.
type report struct {
	sent       int
	refused    int                  // times that the other side's system said so
	duplicates int                  // answers to what was answered already
	out        map[uint64]time.Time // probes without an answer, and when they left
	trips      []time.Duration      // in the order in which the answers came
	jitter     float64              // nanoseconds
}

// left says that a probe is about to leave.
func (r *report) left(probe uint64) {
	r.out[probe] = time.Now()
	r.sent++
}

// came says that an answer has come.
func (r *report) came(probe uint64, now time.Time) {
	left, ok := r.out[probe]
	if !ok {
		r.duplicates++
		return
	}
	delete(r.out, probe)
	trip := now.Sub(left)
	if n := len(r.trips); n > 0 {
		// A running mean of the differences, as RFC 3550 has it.
		r.jitter += (float64((trip - r.trips[n-1]).Abs()) - r.jitter) / 16
	}
	r.trips = append(r.trips, trip)
}

// print writes the report.
func (r *report) print(w io.Writer) {
	lost := r.sent - len(r.trips)
	fmt.Fprintf(w, "%d sent, %d back, %d lost (%.1f %%), %d twice, %d refused\n",
		r.sent, len(r.trips), lost, 100*float64(lost)/float64(max(r.sent, 1)), r.duplicates, r.refused)
	if len(r.trips) == 0 {
		return
	}
	trips := slices.Sorted(slices.Values(r.trips))
	at := func(percent int) time.Duration {
		return trips[(len(trips)-1)*percent/100].Round(100 * time.Nanosecond)
	}
	fmt.Fprintf(w, "least %v, median %v, 99 %% %v, most %v, jitter %v\n",
		at(0), at(50), at(99), at(100), time.Duration(r.jitter).Round(100*time.Nanosecond))
	histogram(w, trips)
}

// histogram draws a line for each power of two of microseconds between the
// least and the most.
func histogram(w io.Writer, sorted []time.Duration) {
	bucket := func(d time.Duration) int { return bits.Len64(uint64(d.Microseconds())) }
	low, high := bucket(sorted[0]), bucket(sorted[len(sorted)-1])
	counts := make([]int, high-low+1)
	for _, d := range sorted {
		counts[bucket(d)-low]++
	}
	most := slices.Max(counts)
	for i, n := range counts {
		bar := strings.Repeat("#", (n*50+most-1)/most) // a single one shows too
		fmt.Fprintf(w, "%10s %6d %s\n", "< "+(time.Microsecond<<(low+i)).String(), n, bar)
	}
}
