package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
)

// A meter counts what a receiver role gets and reports every so many datagrams:
//
//	got <datagrams> <bytes> <monotonic ns> <process CPU ns> <mallocs>
//
// all of them totals since the process began. The C program and the Node script
// print the same line. It costs the receiver one system call per report.
type meter struct {
	every  int
	left   int
	got    int64
	bytes  int64
	allocs bool // fill in mallocs: stops the world, so only where they are the question
	line   []byte
}

func newMeter(every int, allocs bool) *meter {
	return &meter{every: every, left: every, allocs: allocs, line: make([]byte, 0, 128)}
}

func (m *meter) add(n int) {
	m.bytes += int64(n)
	if m.left--; m.left == 0 {
		m.report()
	}
}

func (m *meter) report() {
	m.got += int64(m.every - m.left)
	m.left = m.every
	m.line = appendReport(m.line[:0], "got", m.got, m.bytes, monotonic(), ownCPU(), mallocs(m.allocs))
	os.Stdout.Write(m.line)
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
