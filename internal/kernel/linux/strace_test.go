//go:build linux

package linux_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A call that is interrupted, and a burst that the device or the path refuses, are made
// again: nothing is lost, and nothing is sent twice. strace(1) makes the calls fail.
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
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			call, _, _ := strings.Cut(inject, ":")
			out, err := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", "inject="+inject,
				os.Args[0], "-test.run=^TestRefused$", "-test.v", "-refuse="+byStrace).CombinedOutput()
			switch {
			case !bytes.Contains(out, []byte("=== RUN")):
				t.Skipf("strace does not work here: %v\n%s", err, out)
			case err != nil || !bytes.Contains(out, []byte("--- PASS: TestRefused")):
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// byStrace is a child whose calls strace makes fail.
const byStrace = "strace:yes:before"
