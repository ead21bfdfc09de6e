// Package programtest runs the example programs in tests, as a user at a terminal
// would: start one, read its lines, press Ctrl-C.
package programtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/dgram/examples/internal/program"
)

// timeout is how long a test waits for what must happen.
const timeout = 30 * time.Second

// A Program is a running program.
type Program struct {
	t    *testing.T
	stop context.CancelFunc
	done chan struct{}
	err  error // when done

	mu    sync.Mutex
	out   bytes.Buffer
	more  chan struct{} // closed when there is more output, and replaced
	taken int           // of the output, by Expect
}

// Start runs a program until it ends or the test does.
func Start(t *testing.T, f program.Func, args ...string) *Program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &Program{t: t, stop: stop, done: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = program.Run(ctx, f, args, p)
	}()
	t.Cleanup(func() {
		stop()
		<-p.done
	})
	return p
}

// Write is the program's standard output.
func (p *Program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Write(b)
	close(p.more)
	p.more = make(chan struct{})
	return len(b), nil
}

// Expect waits until a line of the output matches a pattern, and returns the
// match and its groups. It looks at what no earlier Expect has looked at.
func (p *Program) Expect(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile("(?m:" + pattern + ")")
	late := time.After(timeout)
	for ended := false; ; {
		rest, more := p.rest()
		if at := re.FindStringIndex(rest); at != nil {
			p.take(at[1])
			return re.FindStringSubmatch(rest)
		}
		if ended {
			p.t.Fatalf("the program has ended (%v) and has not said %q:\n%s", p.err, pattern, rest)
		}
		select {
		case <-more:
		case <-p.done:
			ended = true // look once more
		case <-late:
			p.t.Fatalf("the program has not said %q:\n%s", pattern, rest)
		}
	}
}

// rest returns the whole lines after those taken, and a channel that is closed
// when there is more.
func (p *Program) rest() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.out.Bytes()[p.taken:]
	return string(b[:bytes.LastIndexByte(b, '\n')+1]), p.more
}

func (p *Program) take(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken += n
}

// Output is all that the program has printed.
func (p *Program) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Wait waits until the program ends by itself.
func (p *Program) Wait() error {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(timeout):
		p.t.Fatalf("the program does not end:\n%s", p.Output())
	}
	return p.err
}

// Stop is Ctrl-C, after which the program must end without an error.
func (p *Program) Stop() {
	p.t.Helper()
	p.stop()
	if err := p.Wait(); err != nil {
		p.t.Fatalf("ended by Ctrl-C: %v", err)
	}
}

// RejectsBadFlags checks that -h prints help with a line about the flag that usage
// names, and that each of the bad command lines is a mistake of the user's.
func RejectsBadFlags(t *testing.T, f program.Func, usage string, bad ...string) {
	t.Helper()
	var help bytes.Buffer
	if err := f(t.Context(), []string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), usage) {
		t.Errorf("-h: %v\n%s", err, &help)
	}
	for _, args := range append(bad, "-bogus", "something") {
		if err := f(t.Context(), strings.Fields(args), io.Discard); !errors.As(err, new(*program.UsageError)) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Ask runs another program that is installed, types a line and returns the
// first line that it answers. It skips the test where there is no such program.
func Ask(t *testing.T, line, name string, args ...string) string {
	t.Helper()
	lines, in := Open(t, name, args...)
	if _, err := io.WriteString(in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case answer := <-lines:
		return answer
	case <-time.After(timeout):
		t.Fatalf("%s does not answer", name)
		return ""
	}
}

// Open runs another program that is installed, until the test ends. It returns
// the lines that it prints, and its standard input.
func Open(t *testing.T, name string, args ...string) (<-chan string, io.Writer) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(path, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 64)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			default: // more than any test reads
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait() // killed: what it says of that is nothing new
		if t.Failed() && complaints.Len() > 0 {
			t.Logf("%s: %s", name, &complaints)
		}
	})
	return lines, in
}
