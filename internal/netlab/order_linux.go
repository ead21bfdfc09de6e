package netlab

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// keepOrder makes loopback keep the order of datagrams. Each CPU has a queue of
// what was sent to loopback there. Linux before 6.4 may leave that queue to
// ksoftirqd, so that a sender that changes its CPU overtakes itself. There the
// tests run on one CPU; benchmarks keep them all.
func keepOrder() error {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return os.NewSyscallError("uname", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("release %s: %w", name.Release, err)
	}
	if major > 6 || major == 6 && minor >= 4 || benchmarks() {
		return nil
	}
	return pin()
}

func benchmarks() bool {
	flag.Parse()
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}

// pin puts every thread of the process on one of its CPUs.
func pin() error {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	for cpu := range len(all) * strconv.IntSize {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	return everyThread(&one)
}

// everyThread gives every thread of the process the same CPUs. A thread that
// starts meanwhile has the CPUs of the one that started it, so everyThread looks
// again until there is no thread that it has not seen.
func everyThread(cpus *unix.CPUSet) error {
	seen := map[string]bool{}
	for before := -1; before != len(seen); {
		before = len(seen)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, thread := range threads {
			if seen[thread.Name()] {
				continue
			}
			seen[thread.Name()] = true
			tid, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, cpus); err != nil && err != unix.ESRCH {
				return os.NewSyscallError("sched_setaffinity", err)
			}
		}
	}
	return nil
}
