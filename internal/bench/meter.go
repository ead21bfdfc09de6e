package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
)

// A meter counts what a receiver gets. It prints a line for every so many datagrams:
//
//	got <datagrams> <bytes> <monotonic ns> <process CPU ns> <mallocs>
//
// Datagrams and bytes are the meter's, the rest are totals of the process. The C program
// and the Node script print the same line. A line costs the receiver one system call.
type meter struct {
	every  int
	left   int
	once   bool // one line, and no more
	work   int  // steps of labor for each datagram
	got    int64
	bytes  int64
	allocs bool // fill in mallocs: stops the world, so only where allocations are the question
	line   []byte
}

func newMeter(job recvJob, once bool) *meter {
	return &meter{every: job.every, left: job.every, once: once, work: job.work, allocs: job.allocs, line: make([]byte, 0, 128)}
}

// add counts a datagram of n bytes, and reports whether the meter wants more.
func (m *meter) add(n int) bool {
	if m.work > 0 {
		labor(m.work)
	}
	m.bytes += int64(n)
	if m.left--; m.left > 0 {
		return true
	}
	return m.report()
}

func (m *meter) report() bool {
	m.got += int64(m.every)
	m.left = m.every
	m.line = appendReport(m.line[:0], "got", m.got, m.bytes, monotonic(), ownCPU(), mallocs(m.allocs))
	os.Stdout.Write(m.line)
	return !m.once
}

// laborOf keeps the compiler from leaving labor out.
var laborOf atomic.Uint64

// labor is a consumer's work: a chain of multiplications, of which each waits for the one
// before. A count of steps, unlike a length of time, is the same work when the process was
// interrupted.
func labor(steps int) {
	x := uint64(steps)
	for range steps {
		x = x*6364136223846793005 | 1
	}
	if x == 0 {
		laborOf.Store(x)
	}
}

// A sharedMeter is a meter for many goroutines.
type sharedMeter struct {
	every      int64
	got, bytes atomic.Int64
}

func (m *sharedMeter) add(n int) {
	bytes := m.bytes.Add(int64(n))
	if got := m.got.Add(1); got%m.every == 0 {
		os.Stdout.Write(appendReport(nil, "got", got, bytes, monotonic(), ownCPU(), 0))
	}
}

func appendReport(line []byte, word string, numbers ...int64) []byte {
	line = append(line, word...)
	for _, n := range numbers {
		line = append(line, ' ')
		line = strconv.AppendInt(line, n, 10)
	}
	return append(line, '\n')
}

func mallocs(wanted bool) int64 {
	if !wanted {
		return 0
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.Mallocs)
}

// obey runs a role's commands, one line each, and ends the process with its parent.
func obey(do func(word string, n int)) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		word, arg, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(arg)
		do(word, n)
	}
	os.Exit(0)
}
