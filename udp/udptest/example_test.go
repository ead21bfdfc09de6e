package udptest_test

import (
	"fmt"
	"os"
	"testing"
)

// run runs a test as an Example and prints how it went.
func run(test func(*testing.T)) {
	stdout := os.Stdout
	os.Stdout = os.Stderr // what -v has to say is not the Example's output
	passed := testing.RunTests(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "Example", F: test}})
	os.Stdout = stdout
	if passed {
		fmt.Println("PASS")
	}
}
