package main

import (
	"context"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// startSpinners keeps every CPU of a virtual machine from halting: a halted one takes
// 20 to 50 µs to wake, and more or less of that by the minute. SCHED_IDLE threads run
// only when nobody else wants the CPU.
func startSpinners(ctx context.Context, self string) ([]*child, error) {
	var spinners []*child
	for _, cpu := range allCPUs() {
		c, _, err := start(ctx, "spinner", place{cpus: []int{cpu}, procs: 1}, self, "role", "spin")
		if err != nil {
			for _, c := range spinners {
				c.stop()
			}
			return nil, err
		}
		spinners = append(spinners, c)
	}
	return spinners, nil
}

// spin is the spinner's role.
func spin() {
	runtime.LockOSThread()
	const schedIdle = 5
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedIdle}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		fail(err)
	}
	go obey(func(string, int) {})
	os.Stdout.WriteString("ready\n")
	for x := uint64(1); x != 0; {
		x = x*6364136223846793005 | 1 // one multiplication waits for the other: light work
	}
}

// allCPUs are the CPUs this process may use.
func allCPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{0}
	}
	var cpus []int
	for cpu := 0; len(cpus) < set.Count(); cpu++ {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}
