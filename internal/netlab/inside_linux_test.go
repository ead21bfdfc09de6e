package netlab_test

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
)

// again returns a command that runs this test binary as if outside of any lab.
func again(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, append(args, "-test.v")...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, netlab.OutsideVar) {
			c.Env = append(c.Env, v)
		}
	}
	return c
}

// refused makes c run where no namespaces can be made.
func refused(c *exec.Cmd) *exec.Cmd {
	const script = `echo 0 >/proc/sys/user/max_user_namespaces &&
		echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" "$@"`
	shell := exec.Command("/bin/sh", append([]string{"-c", script}, c.Args...)...)
	shell.Env = c.Env
	root := []syscall.SysProcIDMap{{Size: 1}}
	shell.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: root, GidMappings: root,
	}
	return shell
}

func status(err error) int {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return failed.ExitCode()
	}
	return -1
}

const oneLabTest = "-test.run=^TestTwoHostsExchangeDatagrams$"

func TestLabIsEntered(t *testing.T) {
	netlab.Require(t)
	out, err := again(t, oneLabTest, "-netlab=required").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTwoHostsExchangeDatagrams") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestLabIsSkippedWhereItIsRefused(t *testing.T) {
	netlab.Require(t)
	out, err := refused(again(t, oneLabTest)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- SKIP: TestTwoHostsExchangeDatagrams") {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), syscall.ENOSPC.Error()) {
		t.Errorf("the reason is not given:\n%s", out)
	}
}

func TestLabThatIsRequiredFailsWhereItIsRefused(t *testing.T) {
	netlab.Require(t)
	out, err := refused(again(t, oneLabTest, "-netlab=required")).CombinedOutput()
	if status(err) != 1 || !strings.Contains(string(out), "--- FAIL: TestTwoHostsExchangeDatagrams") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestOtherTestsRunWhereTheLabIsRefused(t *testing.T) {
	netlab.Require(t)
	out, err := refused(again(t, "-test.run=^FuzzKernelFilesStayInBounds$", "-netlab=required")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestExitStatusIsForwarded(t *testing.T) {
	netlab.Require(t)
	out, err := again(t, "-netlab=perhaps").CombinedOutput()
	if status(err) != 2 || strings.Count(string(out), `"perhaps" is neither`) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestLoopbackIsUp(t *testing.T) {
	netlab.Require(t)
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, "to myself", local(c))
	receive(t, c, "to myself")
}

const stayVar = "NETLAB_TEST_STAYS"

// TestStaysUntilStopped is what TestLabEndsWithTheProcessThatStartedIt starts.
// It does nothing otherwise.
func TestStaysUntilStopped(t *testing.T) {
	if os.Getenv(stayVar) == "" {
		return
	}
	os.Stdout.WriteString("staying\n")
	os.Stdin.Read(make([]byte, 1)) // never written to
}

func TestLabEndsWithTheProcessThatStartedIt(t *testing.T) {
	netlab.Require(t)
	for signal, want := range map[syscall.Signal]int{
		syscall.SIGTERM: 128 + int(syscall.SIGTERM), // which is forwarded
		syscall.SIGQUIT: 2,                          // which Go programs dump their stacks for
		syscall.SIGKILL: -1,                         // which cannot be
	} {
		t.Run(signal.String(), func(t *testing.T) {
			c := again(t, "-test.run=^TestStaysUntilStopped$")
			c.Env = append(c.Env, stayVar+"=1")
			held, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "staying" {
			}
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() { // until both processes have closed it
			}
			if got := status(c.Wait()); got != want {
				t.Errorf("exit status %d, want %d", got, want)
			}
		})
	}
}
