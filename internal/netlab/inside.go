package netlab

import (
	"errors"
	"fmt"
	"os"
)

// A Runner runs the tests of a package and returns the exit status of the
// process. A [testing.M] is one, and so is what goleak.VerifyTestMain takes.
type Runner interface {
	Run() int
}

// Inside returns a Runner that runs m in a network namespace of its own, where
// the test binary is root and lo is up. It is for TestMain:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }
//	func TestMain(m *testing.M) { os.Exit(netlab.Inside(m).Run()) }
//
// A running Go program cannot change its user namespace, so Run starts the test
// binary once more, with the same arguments, environment, directory and standard
// files, and m runs in that second process. In the first process Run does not
// return: it forwards signals, waits, and ends with the status of the second.
// What TestMain does before Run is therefore done twice, what it does after Run
// once, in the process that ran the tests.
//
// On Linux before 6.4 the tests run on one CPU, so that loopback keeps the order
// of datagrams there as it does elsewhere.
//
// Where the system refuses the namespaces, Run runs m where it is, and
// [Require] says what was refused. Processes started by tests from the same
// binary, the workers of a fuzz test among them, stay in the namespace of their
// parent.
func Inside(m Runner) Runner { return inside{m} }

type inside struct{ tests Runner }

func (i inside) Run() int {
	errOutside = enter()
	if err := keepOrder(); err != nil {
		fmt.Fprintln(os.Stderr, "netlab: datagrams may overtake each other:", err)
	}
	return i.tests.Run()
}

// errOutside is the reason why this process is not in a lab, or nil if it is.
// Inside sets it before the first test runs.
var errOutside = errors.New("TestMain does not call netlab.Inside")

// refusal returns an error with everything that was tried to get into a lab.
func refusal(tried []error) error {
	return fmt.Errorf("no network namespace for tests: %w", errors.Join(tried...))
}
