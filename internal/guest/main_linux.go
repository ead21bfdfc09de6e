// Guest is the first program of the virtual machines in which .ci/kernels runs
// tests: /init of a root file system in memory. It loads the modules of
// /modules, gives the machine a loopback and one more interface, runs the test
// binaries that /plan names, and turns the machine off.
//
// A line of /plan is a directory below /t and the arguments for the program t
// there, with tabs between them. What is printed has the form that
// .ci/elsewhere.bash reads.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := start(); err != nil {
		fmt.Println("guest:", err)
	}
	plan, err := os.ReadFile("/plan")
	if err != nil {
		fmt.Println("guest:", err)
	}
	for line := range strings.Lines(string(plan)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		run(fields[0], fields[1:])
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// start makes of a kernel that has just begun a system in which tests can run.
// It does all that it can and returns what failed.
func start() error {
	failed := errors.Join(
		mount("proc", "/proc"),
		mount("sysfs", "/sys"),
		mount("devtmpfs", "/dev"),
		mount("tmpfs", "/tmp"),
		mount("tmpfs", "/run"),
	)
	modules, _ := filepath.Glob("/modules/*.ko") // in the order of their names
	for _, module := range modules {
		failed = errors.Join(failed, load(module))
	}
	return errors.Join(failed, network())
}

func mount(kind, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(kind, dir, kind, 0, ""); err != nil {
		return &os.PathError{Op: "mount", Path: dir, Err: err}
	}
	return nil
}

func load(module string) error {
	f, err := os.Open(module)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return &os.PathError{Op: "finit_module", Path: module, Err: err}
	}
	return nil
}

// run runs the tests of one package in its directory.
func run(dir string, args []string) {
	fmt.Println("\n###", dir) // firmware may have left its line open
	began := time.Now()
	c := exec.Command("./t", args...)
	c.Dir = filepath.Join("/t", dir)
	c.Env = []string{"HOME=/tmp", "TMPDIR=/tmp", "PATH=/bin"}
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err := c.Run()
	status := c.ProcessState.ExitCode() // -1 where there is no process
	if err != nil {
		fmt.Println("guest:", err)
	}
	fmt.Printf("### %s exit %d %d\n", dir, status, int(time.Since(began).Seconds()))
}
