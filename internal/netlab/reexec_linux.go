package netlab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// A way is one way to start a process in a network namespace in which it is
// privileged.
type way struct {
	what  string
	flags uintptr
	uids  []syscall.SysProcIDMap
	gids  []syscall.SysProcIDMap
	group bool // setgroups stays allowed, which takes privilege
}

// ways lists what to try, best first. With privilege the new user namespace has
// every user of the old one, so that files keep their owners. Without privilege it
// has one user, who is root there. The last way is for root on systems without user
// namespaces.
func ways() []way {
	uid, gid := os.Geteuid(), os.Getegid()
	one := way{
		what:  "user namespace of one user",
		flags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		uids:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		gids:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}},
	}
	if uid != 0 {
		return []way{one}
	}
	all := way{
		what:  "user namespace of all users",
		flags: one.flags,
		uids:  knownIDs("/proc/self/uid_map"),
		gids:  knownIDs("/proc/self/gid_map"),
		group: true,
	}
	return []way{all, one, {what: "network namespace", flags: syscall.CLONE_NEWNET}}
}

// enterNew runs this program again in new namespaces and ends with its status. It
// returns only if every way failed, with all the errors.
func enterNew(here string) error {
	var tried []error
	for _, w := range ways() {
		status, err := again(here, w)
		if err == nil {
			// Nothing is left to flush here. os.Exit would let the race
			// detector take a second to look for races once more.
			syscall.Exit(status)
		}
		tried = append(tried, fmt.Errorf("%s: %w", w.what, err))
	}
	return refusal(tried)
}

// again runs this program once more in namespaces made as w says. It returns the
// exit status, or the reason why the namespaces could not become a lab.
func again(here string, w way) (status int, err error) {
	report, reportTo, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer report.Close()

	// The child dies with this process: the kernel signals it when the thread that
	// started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	child := exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       os.Args,
		Env:        append(os.Environ(), outsideVar+"="+here, reportVar+"=3"),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{reportTo}, // becomes descriptor 3
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:                 w.flags,
			UidMappings:                w.uids,
			GidMappings:                w.gids,
			GidMappingsEnableSetgroups: w.group,
			Pdeathsig:                  syscall.SIGKILL,
		},
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	defer signal.Stop(signals)

	err = child.Start()
	reportTo.Close()
	if err != nil {
		return 0, err
	}
	complaint, err := io.ReadAll(report)
	if err != nil || len(complaint) > 0 {
		_ = child.Process.Kill()
		_ = child.Wait()
		return 0, errors.Join(err, errors.New(string(complaint)))
	}

	ended := make(chan struct{})
	forwarded := make(chan struct{})
	go func() {
		defer close(forwarded)
		for {
			select {
			case s := <-signals:
				_ = child.Process.Signal(s) // fails only when the child is gone
			case <-ended:
				return
			}
		}
	}()
	err = child.Wait()
	close(ended)
	<-forwarded

	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		fmt.Fprintln(os.Stderr, "netlab:", err)
		return 2, nil
	}
	if s, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		fmt.Fprintln(os.Stderr, "netlab: tests ended by signal:", s.Signal())
		return 128 + int(s.Signal()), nil
	}
	return child.ProcessState.ExitCode(), nil
}

// knownIDs returns the identity mapping of every id listed in an id map file.
func knownIDs(file string) []syscall.SysProcIDMap {
	const most = 1<<31 - 1 // the largest int of every machine
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var ids []syscall.SysProcIDMap
	for line := range strings.Lines(string(text)) {
		var first, below, count int64
		if _, err := fmt.Sscan(line, &first, &below, &count); err != nil || first > most {
			continue
		}
		count = min(count, most-first)
		ids = append(ids, syscall.SysProcIDMap{ContainerID: int(first), HostID: int(first), Size: int(count)})
	}
	return ids
}
