//go:build linux

package linux_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
)

// A call that is interrupted, and a burst that the device or the path refuses, are made
// again: nothing is lost, and nothing is sent twice. strace(1) makes the calls fail.
// strace counts the calls of each thread, so the child sends on a thread that has made
// no call before. sendmmsg's first call there is a burst.
func TestACallThatFailsOnceCostsNothing(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip(err)
	}
	for _, inject := range []string{
		"recvmmsg:error=EINTR:when=1..4", "recvmsg:error=EINTR:when=1..4", "sendmsg:error=EINTR:when=1..4", "sendmmsg:error=EINTR:when=1",
		"sendmmsg:error=EIO:when=1", "sendmmsg:error=EINVAL:when=1", "sendmmsg:error=EMSGSIZE:when=1",
	} {
		t.Run(inject, func(t *testing.T) {
			if strings.HasPrefix(inject, "sendmmsg:") && !strings.Contains(inject, "EINTR") {
				netlab.RequireBursts(t) // or the errno would be that of a datagram
			}
			log := filepath.Join(t.TempDir(), "calls")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			call, _, _ := strings.Cut(inject, ":")
			out, err := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", log, "-e", "trace="+call, "-e", "inject="+inject,
				os.Args[0], "-test.run=^TestRefused$", "-test.v", "-refuse="+byStrace).CombinedOutput()
			switch {
			case !bytes.Contains(out, []byte("=== RUN")):
				t.Skipf("strace does not work here: %v\n%s", err, out)
			case err != nil || !bytes.Contains(out, []byte("--- PASS: TestRefused")):
				t.Errorf("%v\n%s", err, out)
			}
			calls, err := os.ReadFile(log)
			if err != nil || !madeToFail.Match(calls) {
				t.Errorf("%v, and no call of a socket was made to fail:\n%.1000s", err, calls)
			}
		})
	}
}

// madeToFail matches the line of a call on a socket that strace has made fail. The
// calls on descriptor -1 ask whether a sandbox refuses the call.
var madeToFail = regexp.MustCompile(`(?m)msg\([0-9].*\(INJECTED\)$`)

// byStrace is a child whose calls strace makes fail.
const byStrace = "strace:yes:before"

// onAnotherThread calls f on another thread than that of the caller, which is locked
// to its thread, and keeps f on the one thread.
func onAnotherThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and no unlocking: the thread ends with the goroutine
		f()
	}()
	<-done
}
