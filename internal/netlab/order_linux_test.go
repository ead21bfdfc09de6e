package netlab

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Threads that run, that wait and that start later are on the same CPU.
func TestPinnedThreadsShareACPU(t *testing.T) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Skip(err)
	}
	defer restore(t, before)
	if err := pin(); err != nil {
		t.Fatal(err)
	}
	counts := make(chan int)
	for range 4 {
		go func() {
			runtime.LockOSThread() // ends the thread with the goroutine
			var now unix.CPUSet
			if err := unix.SchedGetaffinity(0, &now); err != nil {
				t.Error(err)
			}
			counts <- now.Count()
		}()
	}
	for range 4 {
		if n := <-counts; n != 1 {
			t.Errorf("a thread has %d CPUs, want 1", n)
		}
	}
}

// restore gives every thread its CPUs back.
func restore(t *testing.T, cpus unix.CPUSet) {
	t.Helper()
	if err := everyThread(&cpus); err != nil {
		t.Error(err)
	}
}
