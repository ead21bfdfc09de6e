package udp_test

import (
	"fmt"
	"os"
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
	goleak.VerifyTestMain(netlab.Inside(m))
}
