package udp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"example.com/dgram/udp"
)

// partVar names the part that a child plays.
const partVar = "DGRAM_TEST_PART"

// parts are what this binary does as a child of a test. What a child prints
// is for its parent; it ends when its standard input does.
var parts = map[string]func(ctx context.Context, args []string) error{
	"adopt": adopt,
	"share": share,
	"hold":  hold,
	"steal": steal,
}

func play(line string) error {
	words := strings.Fields(line)
	f, known := parts[words[0]]
	if !known {
		return fmt.Errorf("no part %q", words[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel() // the parent has closed it, or is gone
	}()
	return f(ctx, words[1:])
}

// adopt takes descriptor 3 over, says its address and prints what it receives,
// answering each datagram.
func adopt(ctx context.Context, _ []string) error {
	s, err := inherit(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready", s.LocalAddr())
	return chat(ctx, s)
}

// share listens where others listen too: "share network address option".
func share(ctx context.Context, args []string) error {
	option := udp.WithReuseAddr()
	if args[2] == "port" {
		option = udp.WithReusePort()
	}
	s, err := udp.Listen(ctx, args[0], args[1], option)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready")
	return chat(ctx, s)
}

// chat prints what s receives and answers "heard" to each.
func chat(ctx context.Context, s *udp.Socket) error {
	for m := range s.Messages() {
		fmt.Println("heard", string(m.Data))
		if err := s.Reply(ctx, m, []byte("heard "+string(m.Data))); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}

// hold binds an address for itself alone: "hold network address".
func hold(ctx context.Context, args []string) error {
	s, err := udp.Listen(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	defer s.Close()
	a := s.LocalAddr()
	fmt.Println("ready", a)
	<-ctx.Done()
	return nil
}

// A child is a process that plays a part.
type child struct {
	t     testing.TB
	lines chan string // what it prints; closed when it has ended
}

// spawn starts a child. It ends with the test.
func spawn(t testing.TB, part string, files ...*os.File) *child {
	t.Helper()
	leakless(t)
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), partVar+"="+part)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	in, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	if err := cmd.Start(); err != nil {
		t.Skipf("no processes here: %v", err)
	}
	c := &child{t: t, lines: make(chan string, 64)}
	read := begin(func() {
		defer close(c.lines)
		for text := bufio.NewScanner(out); text.Scan(); {
			c.lines <- text.Text()
		}
	})
	t.Cleanup(func() {
		in.Close()
		for range c.lines {
		}
		<-read
		cmd.Wait()
	})
	return c
}

// says expects a line of the child's, and returns the rest of it.
func (c *child) says(prefix string) string {
	c.t.Helper()
	line, open := take(c.t, "a line of the child's", c.lines)
	rest, fits := strings.CutPrefix(line, prefix)
	if !open || !fits {
		c.t.Fatalf("the child says %q, want %q", line, prefix)
	}
	return strings.TrimSpace(rest)
}

// address expects the child to be ready, and says where it is.
func (c *child) address() netip.AddrPort {
	c.t.Helper()
	return netip.MustParseAddrPort(c.says("ready"))
}

// steal binds a port with the options that share it: "steal address".
func steal(_ context.Context, args []string) error {
	to, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return err
	}
	for _, option := range []udp.Option{udp.WithReuseAddr(), udp.WithReusePort()} {
		s, err := udp.Listen(context.Background(), "udp4", to.String(), option)
		if err == nil {
			s.Close()
			fmt.Println("stolen")
			return nil
		}
		fmt.Println(err)
	}
	return nil
}
