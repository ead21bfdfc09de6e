package udp_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

// Tests of this package run as root of a network namespace of their own, where
// the system allows that. When the last has ended, no goroutine and no socket
// may be left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(leakless{netlab.Inside(m)}) }

// leakless fails a run that leaves sockets open.
type leakless struct{ tests netlab.Runner }

func (l leakless) Run() int {
	before := sockets()
	status := l.tests.Run()
	if after := sockets(); status == 0 && after > before {
		fmt.Fprintf(os.Stderr, "%d sockets are still open after the tests\n", after-before)
		return 1
	}
	return status
}

// sockets counts the sockets of this process, where the system tells.
func sockets() int {
	n := 0
	open, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range open {
		to, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		if strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
