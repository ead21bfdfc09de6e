package interop

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
)

// programs says what becomes of a test whose program is not installed.
var programs = flag.String("programs", "optional", "tests of programs that are not installed: `optional` skips them, required fails them")

// program finds an installed program, by the first of its names that there is.
func program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	without(t, "%s is not installed", strings.Join(names, " or "))
	return ""
}

// without skips a test that lacks something.
func without(t testing.TB, format string, args ...any) {
	t.Helper()
	if *programs == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// A process is a program that a test talks to.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // of both outputs; closed when they end
	mu     sync.Mutex
	all    []string
	exited chan struct{}
	err    error // of Wait
}

// start starts a program, which is ended when the test ends.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	return startOn(t, func(f func() error) error { return f() }, cmd)
}

// startOn starts a program where do does things: on a host of the lab.
func startOn(t testing.TB, do func(f func() error) error, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, lines: make(chan string, 1024), exited: make(chan struct{})}
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := do(cmd.Start); err != nil {
		out.Close()
		write.Close()
		t.Fatal(err)
	}
	write.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.all = append(p.all, s.Text())
			p.mu.Unlock()
			select {
			case p.lines <- s.Text():
			default: // more than any test reads
			}
		}
	}()
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		p.in.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM) // so that it can end what it has started itself
		timer := time.AfterFunc(soon/6, func() { _ = cmd.Process.Kill() })
		<-p.exited
		timer.Stop()
		out.Close() // also when a child of the program still has the other end
		<-read
	})
	return p
}

// expect waits for a line of output and returns what the pattern's groups match.
func (p *process) expect(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("%s has ended without %q:\n%s", p.cmd.Path, pattern, p.output())
			}
			if groups := re.FindStringSubmatch(line); groups != nil {
				return groups
			}
		case <-timer.C:
			p.t.Fatalf("%s has not said %q:\n%s", p.cmd.Path, pattern, p.output())
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.all, "\n")
}

// say writes a line to the program.
func (p *process) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the program's end, which is to be a good one.
func (p *process) ends() {
	p.t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-p.exited:
		if p.err != nil {
			p.t.Fatalf("%s: %v\n%s", p.cmd.Path, p.err, p.output())
		}
	case <-timer.C:
		p.t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.output())
	}
}

// run runs a program to its end and returns its output.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// echo sends everything back until the socket ends, or somebody says "bye".
func echo(s *udp.Socket) error {
	for m := range s.Messages() {
		if err := s.Reply(context.Background(), m, m.Data); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		if string(m.Data) == "bye" {
			return nil
		}
	}
	return s.Err()
}

// echoing is a socket that echoes until the test ends.
func echoing(t testing.TB, network, address string, opts ...udp.Option) netip.AddrPort {
	t.Helper()
	s := listen(t, network, address, opts...)
	done := later(func() error { return echo(s) })
	t.Cleanup(func() {
		s.Close()
		fine(t, "the echo's end", done)
	})
	return local(t, s)
}

// receive expects a message.
func receive(t testing.TB, s *udp.Socket, want string) udp.Message {
	t.Helper()
	m := take(t, fmt.Sprintf("a message %q", want), s.Messages())
	if string(m.Data) != want {
		t.Fatalf("%q from %v, want %q", m.Data, m.From, want)
	}
	return m
}

// ask sends a question until there is an answer: a program that has just been
// started may not listen yet.
func ask(t testing.TB, s *udp.Socket, to netip.AddrPort, question []byte) udp.Message {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		if err := s.SendTo(context.Background(), to, question); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-s.Messages():
			return m
		case <-again.C:
		case <-timer.C:
			t.Fatalf("%v does not answer", to)
		}
	}
}

// free is a port that nobody has, for a program that wants to be told one. The
// tests have a network namespace to themselves, mostly.
func free(t testing.TB) netip.AddrPort {
	t.Helper()
	s := listen(t, "udp4", "127.0.0.1:0")
	defer s.Close()
	return local(t, s)
}
