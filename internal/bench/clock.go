package main

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// monotonic is the clock that all processes share, in nanoseconds.
func monotonic() int64 { return clock(unix.CLOCK_MONOTONIC) }

// ownCPU is what this process has used on all its threads, in nanoseconds.
// It is getrusage's sum with a better resolution.
func ownCPU() int64 { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// cpuOf is what another process has used, as clock_getcpuclockid(3) would find it.
func cpuOf(pid int) int64 {
	const perProcess = 2 // CPUCLOCK_SCHED
	return clock(int32(^pid<<3 | perProcess))
}

func clock(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

func median(values []float64) float64 { return percentile(values, 50) }

// percentile interpolates between the two nearest values; of none it is not a number.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := p / 100 * float64(len(sorted)-1)
	low := int(at)
	if low == len(sorted)-1 {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}
