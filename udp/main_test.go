package udp_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

// TestMain runs the tests in a network namespace of their own, where the
// system has such a thing: nobody else's datagrams are on loopback then. As a
// child of a test, the binary plays the part that the test gave it.
func TestMain(m *testing.M) {
	if part, ok := os.LookupEnv(partVar); ok {
		if err := play(part); err != nil {
			fmt.Println("error:", err)
		}
		syscall.Exit(0) // os.Exit takes a second under the race detector
	}
	goleak.VerifyTestMain(tidy{netlab.Inside(m)})
}

// tidy fails a run that leaves sockets open.
type tidy struct{ tests netlab.Runner }

func (t tidy) Run() int {
	before := sockets()
	status := t.tests.Run()
	if after := sockets(); status == 0 && after > before {
		fmt.Fprintf(os.Stderr, "%d sockets are still open after the tests\n", after-before)
		return 1
	}
	return status
}

// sockets counts those of this process, where the system tells.
func sockets() (n int) {
	for _, d := range descriptors() {
		if strings.Contains(d, "socket:") {
			n++
		}
	}
	return n
}
