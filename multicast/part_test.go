package multicast_test

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// partVar tells a test binary which group and port to listen to, and where.
const partVar = "DGRAM_TEST_MEMBER"

// play is a member in a process of its own: it joins, says so, prints what it
// hears and leaves when it hears "leave".
func play(part string) error {
	where, iface, _ := strings.Cut(part, " ")
	at, err := netip.ParseAddrPort(where)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := udp.Listen(ctx, "udp4", fmt.Sprintf(":%d", at.Port()), udp.WithReuseAddr())
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := multicast.Join(s, at.Addr(), multicast.On(iface))
	if err != nil {
		return err
	}
	fmt.Println("joined")
	for msg := range s.Messages() {
		fmt.Println("heard", string(msg.Data))
		if string(msg.Data) == "leave" {
			return m.Leave()
		}
	}
	return s.Err()
}

// A process is a program of a test, read line by line.
type process struct {
	cmd   *exec.Cmd
	lines chan string // closed when the process says no more
}

// start starts cmd on a host.
func start(t *testing.T, h *netlab.Host, cmd *exec.Cmd) *process {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, h.Do(cmd.Start))
	p := &process{cmd, make(chan string, 16)}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range p.lines {
		}
		_ = cmd.Wait()
	})
	return p
}

// says expects the next line.
func (p *process) says(t *testing.T, line string) {
	t.Helper()
	select {
	case got := <-p.lines:
		if got != line {
			t.Fatalf("%s says %q, want %q", p.cmd.Args[0], got, line)
		}
	case <-time.After(patience):
		t.Fatalf("%s says nothing, want %q", p.cmd.Args[0], line)
	}
}

// Upstream: internet/test-dgram-multicast-multi-process.js: one sender, three
// processes on one port.
func TestThreeProcessesHearOnOnePort(t *testing.T) {
	_, a, b := pair(t, 1)
	holder := open(t, b, "udp4", ":0", udp.WithReuseAddr()) // keeps the port
	port := to(t, group, holder)
	var all []*process
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), partVar+"="+port.String()+" eth0")
		all = append(all, start(t, b, cmd))
	}
	for _, p := range all {
		p.says(t, "joined")
	}
	sender := open(t, a, "udp4", ":0")
	for _, text := range []string{"first", "second", "leave"} {
		say(t, sender, "eth0", port, text)
	}
	for _, p := range all {
		for _, text := range []string{"first", "second", "leave"} {
			p.says(t, "heard "+text)
		}
	}
}
