package udp_test

import (
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leakless expects the test to leave no goroutine and no descriptor behind.
// The helpers that open sockets call it; it counts once for each test.
func leakless(t testing.TB) {
	t.Helper()
	if _, known := watched.LoadOrStore(t, true); known {
		return
	}
	warm()
	before := descriptors()
	goroutines := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		watched.Delete(t)
		if t.Failed() {
			// What the test began may still run, and must not speak after the test's end.
			for deadline := time.Now().Add(soon); goleak.Find(goroutines) != nil && time.Now().Before(deadline); {
				runtime.Gosched()
			}
			return
		}
		goleak.VerifyNone(t, goroutines)
		if before == nil {
			return
		}
		var after []string
		for deadline := time.Now().Add(time.Second); ; {
			if after = descriptors(); len(after) <= len(before) || time.Now().After(deadline) {
				break
			}
			runtime.Gosched() // a process that has just ended
		}
		if len(after) > len(before) {
			t.Errorf("%d descriptors before the test and %d after:\n%s\nnow:\n%s",
				len(before), len(after), strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

var watched sync.Map // of testing.TB

// warm opens what the runtime opens once and keeps.
var warm = sync.OnceFunc(func() {
	if c, err := net.ListenPacket("udp4", "127.0.0.1:0"); err == nil {
		c.Close()
	}
})

// descriptors lists those of the process; nil where nobody knows.
func descriptors() (open []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		what, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the directory's own, which is closed
		}
		open = append(open, e.Name()+" "+what)
	}
	slices.Sort(open)
	return open
}
