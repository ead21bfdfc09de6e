package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

// The parent starts its own executable, which in a test is this one.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-worker") {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestWorkersShareOneSocket(t *testing.T) { demonstrate(t) }

func TestKernelBalances(t *testing.T) { demonstrate(t, "-reuseport") }

func demonstrate(t *testing.T, args ...string) {
	p := programtest.Start(t, run, append(args, "-workers", "3", "-clients", "16", "-n", "10")...)
	skipUnsupported(t, p.Wait())
	sum := 0
	for range 3 {
		n, _ := strconv.Atoi(p.Expect(`^worker-\d answered +(\d+)`)[1])
		sum += n
	}
	if sum != 160 {
		t.Errorf("the workers answered %d questions, want 160", sum)
	}
	p.Expect("^160 questions, 160 answers$")
}

func TestWorkersServeUntilInterrupted(t *testing.T) {
	for _, mode := range []string{"-reuseport=false", "-reuseport"} {
		t.Run(mode, func(t *testing.T) {
			p := programtest.Start(t, run, mode, "-workers", "2", "-listen", "127.0.0.1:0")
			address := p.Expect(`^listening on (\S+)$`)[1]
			c, err := udp.Dial(t.Context(), "udp4", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Send(t.Context(), []byte("who are you?")); err != nil {
				t.Fatal(err)
			}
			m, ok := <-c.Messages()
			if !ok || !strings.HasPrefix(string(m.Data), "worker-") {
				t.Errorf("%q answers", m.Data)
			}
			p.Stop()

			again, err := udp.Listen(t.Context(), "udp4", address)
			if err != nil {
				t.Fatalf("a worker is left: %v", err)
			}
			again.Close()
		})
	}
}

func TestWorkerThatCannotStartIsAnError(t *testing.T) {
	taken, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.LocalAddr()
	if m, err := hire("worker-1", address.String(), nil); err == nil {
		t.Errorf("hired %v", m)
	}
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-reuseport", "-workers 0")
}

// skipUnsupported skips where sockets cannot be shared so.
func skipUnsupported(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
