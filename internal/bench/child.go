package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A child is a process that plays a role. It answers in lines of a word and numbers.
type child struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan line
	errors bytes.Buffer
}

type line struct {
	word    string
	numbers []int64
}

// place says where a child may run: on which CPUs, with how many Ps.
type place struct {
	cpus  []int
	procs int
}

// start starts the command on its CPUs and waits for its "ready" line, which it returns.
func start(ctx context.Context, name string, at place, path string, args ...string) (*child, line, error) {
	c := &child{name: name, cmd: exec.CommandContext(ctx, path, args...), lines: make(chan line, 1024)}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(at.procs))
	c.cmd.Stderr = &c.errors
	c.cmd.WaitDelay = time.Second
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, line{}, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, line{}, err
	}
	if err := startOn(c.cmd, at.cpus); err != nil {
		return nil, line{}, fmt.Errorf("%s: %w", name, err)
	}
	go c.scan(out)
	ready, err := c.expect("ready", 20*time.Second)
	if err != nil {
		c.stop()
		return nil, line{}, err
	}
	return c, ready, nil
}

// startOn makes the child inherit an affinity that this thread has for as long as it takes.
func startOn(cmd *exec.Cmd, cpus []int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &before)
	if err := pinThread(cpus...); err != nil {
		return err
	}
	return cmd.Start()
}

// pinThread keeps the calling thread on these CPUs.
func pinThread(cpus ...int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return unix.SchedSetaffinity(0, &set)
}

func (c *child) scan(out io.Reader) {
	defer close(c.lines)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20) // ready may name 10 000 ports
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) == 0 {
			continue
		}
		l := line{word: fields[0]}
		for _, f := range fields[1:] {
			n, _ := strconv.ParseInt(f, 10, 64)
			l.numbers = append(l.numbers, n)
		}
		c.lines <- l
	}
}

// expect waits for the next line that begins with word and has the numbers that go with it.
func (c *child) expect(word string, within time.Duration) (line, error) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		select {
		case l, ok := <-c.lines:
			if !ok {
				c.stop()
				return line{}, fmt.Errorf("%s ended: %s", c.name, lastLine(c.errors.String()))
			}
			if l.word == word && len(l.numbers) >= numbersOf(word) {
				return l, nil
			}
		case <-timeout.C:
			return line{}, fmt.Errorf("%s: no %q within %v", c.name, word, within)
		}
	}
}

func numbersOf(word string) int {
	return map[string]int{"at": 1, "began": 3, "got": 5, "sent": 5, "stats": 2}[word]
}

func (c *child) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(c.in, format+"\n", args...)
	return err
}

// freeze stops the process in its tracks and returns when all its threads stand still.
func (c *child) freeze() error {
	pid := c.cmd.Process.Pid
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		return err
	}
	for { // look without taking, or exec.Cmd.Wait would miss the end of the process
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (c *child) thaw() error { return unix.Kill(c.cmd.Process.Pid, unix.SIGCONT) }

// stop kills the process and waits for its end. Once is enough, more do no harm.
func (c *child) stop() {
	if c == nil || c.cmd.ProcessState != nil {
		return
	}
	c.in.Close()
	c.cmd.Process.Kill()
	for range c.lines {
	}
	c.cmd.Wait()
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if s = lines[len(lines)-1]; s == "" {
		return "it said nothing"
	}
	return s
}
