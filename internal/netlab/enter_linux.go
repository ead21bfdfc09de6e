package netlab

import (
	"fmt"
	"os"
	"strconv"
)

const (
	// outsideVar is the variable with the network namespace from which the lab was
	// entered. Every process in the lab has it. A process is in the lab only if its
	// namespace is also another than that one.
	outsideVar = "NETLAB_OUTSIDE"

	// reportVar is the variable with the descriptor on which the first process of a
	// lab reports. A descriptor that is closed without a report means that the lab
	// is ready.
	reportVar = "NETLAB_REPORT"
)

// enter returns nil in a process that runs in a lab, and otherwise the reason why
// there can be no lab. It does not return in a process that only starts the lab.
func enter() error {
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return refusal([]error{err})
	}
	outside, ok := os.LookupEnv(outsideVar)
	if !ok || outside == here {
		return enterNew(here)
	}
	if fd, ok := os.LookupEnv(reportVar); ok {
		_ = os.Unsetenv(reportVar) // processes that this one starts must not have it
		furnish(fd)
	}
	return nil
}

// furnish prepares a new namespace for tests. If that fails it reports the error
// and ends the process; the process that started it then tries another way.
func furnish(fd string) {
	n, err := strconv.Atoi(fd)
	if err != nil {
		fmt.Fprintf(os.Stderr, "netlab: %s=%s: %v\n", reportVar, fd, err)
		os.Exit(2)
	}
	report := os.NewFile(uintptr(n), "report")
	defer report.Close()
	if err := furnishHere(); err != nil {
		fmt.Fprint(report, err)
		os.Exit(2)
	}
}

// furnishHere makes the namespace of the calling thread fit for tests.
func furnishHere() error {
	h, err := hostHere("home")
	if err != nil {
		return err
	}
	defer h.close()
	return h.furnish()
}
