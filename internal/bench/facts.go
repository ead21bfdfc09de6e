package main

import (
	"context"
	"os"
)

// facts are prices of this machine that decide what can be reached on it.
type facts struct {
	hop   float64 // ns for a message of 128 bytes from goroutine to goroutine, on one P
	call  float64 // ns for a system call that does nothing
	steps float64 // of labor in a ns
}

// findFacts has a child measure them where receivers run.
func findFacts(ctx context.Context, b *bench) (facts, error) {
	c, ready, err := start(ctx, "facts", b.oneP(), b.self, "role", "facts")
	if err != nil {
		return facts{}, err
	}
	c.stop()
	return facts{hop: float64(ready.numbers[0]) / 1000, call: float64(ready.numbers[1]) / 1000,
		steps: 1000 / float64(ready.numbers[2])}, nil
}

// tellFacts is the role: "ready <hop> <call> <step>", in picoseconds.
func tellFacts() {
	const times, n = 15, 20000
	var hops, calls, steps []float64
	for range times {
		hops = append(hops, 1000*perOne(n, hop))
		calls = append(calls, 1000*perOne(n, func(n int) {
			for range n {
				os.Getppid()
			}
		}))
	}
	for range times {
		steps = append(steps, 1000*perOne(1e6, labor))
	}
	ready(int64(median(hops)), int64(median(calls)), int64(median(steps)))
}

func perOne(n int, do func(n int)) float64 {
	before := ownCPU()
	do(n)
	return float64(ownCPU()-before) / float64(n)
}

// hop sends n messages through a channel as a reader would: what fits without waiting,
// then waiting with a way out.
func hop(n int) {
	type message struct { // as large as udp.Message, pointers included
		_ []byte
		_ *int
		_ [12]uint64
	}
	messages, done := make(chan message, 64), make(chan struct{})
	go func() {
		defer close(messages)
		for range n {
			select {
			case messages <- message{}:
			default:
				select {
				case messages <- message{}:
				case <-done:
					return
				}
			}
		}
	}()
	for range messages {
	}
}
