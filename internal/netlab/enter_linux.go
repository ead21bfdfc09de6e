package netlab

import (
	"fmt"
	"os"
	"strconv"
)

const (
	// outsideVar names the network namespace from which the lab was entered.
	// Every process in the lab has it, and it proves nothing by itself: the
	// process must also be in another namespace than the one it names.
	outsideVar = "NETLAB_OUTSIDE"

	// reportVar is the descriptor on which the first process of a lab reports.
	// Closing it unused says that the lab is ready.
	reportVar = "NETLAB_REPORT"
)

// enter returns nil in a process that runs in a lab, and why there can be no lab
// otherwise. It does not return in a process that only starts the lab.
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
		_ = os.Unsetenv(reportVar) // it is not for the processes this one starts
		furnish(fd)
	}
	return nil
}

// furnish makes a new namespace a lab. If that fails it reports why and ends the
// process, for the one that started it to try something else.
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
