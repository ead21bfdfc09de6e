//go:build linux

package linux_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
)

// A sandbox may refuse any system call and any option, with any errno, before a
// socket is made or later. The test runs itself as a child process with a seccomp
// filter (seccomp(2)) that does so. Errno 0 stands for a kernel that accepts the
// call and does nothing.

var (
	refuse    = flag.String("refuse", "", "what a child process is refused")
	refuseAll = flag.Bool("refuse-all", false, "try all that may be refused")
)

// lies are the calls that may return success without an effect.
var lies = map[string]bool{"recvmmsg": true, "sendmmsg": true, "setsockopt": true}

// refusals returns what child processes are refused: names with "+" between them,
// the errno, and when the refusal begins.
func refusals() (all []string) {
	if !*refuseAll {
		return []string{
			"recvmmsg+sendmmsg:EPERM:before", "recvmmsg+sendmmsg:ENOSYS:after", "recvmmsg+sendmmsg:yes:after",
			"recvmmsg+sendmmsg+recvmsg+sendmsg:EPERM:before", "recvmmsg+sendmmsg+recvmsg+sendmsg:EINVAL:after",
			"recvfrom+sendto:EPERM:before", "setsockopt:EPERM:before", "setsockopt:yes:before", "getsockopt:EPERM:before",
			"epoll_ctl:EPERM:before", "ppoll:EPERM:after",
		}
	}
	var what []string
	for name := range calls {
		what = append(what, name)
	}
	for name := range options {
		what = append(what, name)
	}
	what = append(what, "recvmmsg+sendmmsg", "recvmmsg+recvmsg", "sendmmsg+sendmsg", "recvmmsg+sendmmsg+recvmsg+sendmsg",
		"recvmsg+recvfrom", "sendmsg+sendto", "recvmmsg+recvfrom", "sendmmsg+sendto", "recvmmsg+recvmsg+recvfrom", "sendmmsg+sendmsg+sendto")
	for _, name := range what {
		for errno := range errnos {
			_, isOption := options[name]
			if errno == "yes" && !isOption && !lies[name] {
				continue
			}
			if name == "epoll_create1" && errno == "EINVAL" {
				continue // the errno of a bad argument, from a kernel that has the call
			}
			for _, when := range []string{"before", "after"} {
				if strings.Count(name, "+") == 2 && when == "after" {
					continue // no way is left
				}
				all = append(all, name+":"+errno+":"+when)
			}
		}
	}
	return all
}

func TestWhatASandboxRefusesHasANextBestWay(t *testing.T) {
	if *refuse != "" {
		t.Skip("this is the child")
	}
	for _, r := range refusals() {
		t.Run(r, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestRefused$", "-test.v", "-refuse="+r).CombinedOutput()
			switch {
			case errors.Is(err, unix.ENOEXEC): // a binary of another processor, which is emulated
				t.Skip(err)
			case bytes.Contains(out, []byte("seccomp: ")):
				t.Skipf("%s", out)
			case err != nil || !bytes.Contains(out, []byte("--- PASS: TestRefused")):
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestRefused is the child.
func TestRefused(t *testing.T) {
	names, rest, ok := strings.Cut(*refuse, ":")
	if !ok {
		t.Skip("nothing is refused")
	}
	errno, when, _ := strings.Cut(rest, ":")
	kinds := []kernel.Config{
		{Network: "udp4", Local: addr("127.0.0.1:0"), PacketInfo: kernel.Try},
		{Network: "udp4", PacketInfo: kernel.Try},
		{Network: "udp6", PacketInfo: kernel.Try},
		{Network: "udp6", Local: addr("[::1]:0"), ReceiveTOS: true, ReceiveTTL: true, Timestamps: true, TOS: 0x20, TTL: 9,
			DontFragment: true, ReadBuffer: 65536, WriteBuffer: 65536, Broadcast: true, ReuseAddr: true},
	}
	open := func(cfg kernel.Config) (kernel.Conn, kernel.Conn) {
		a, err := linux.System{}.Open(cfg)
		if err == nil {
			var b kernel.Conn
			if b, err = (linux.System{}).Open(cfg); err == nil {
				return a, b
			}
		}
		if errno := errnos[errno]; !errors.Is(err, errors.ErrUnsupported) && (errno == 0 || !errors.Is(err, errno)) {
			t.Errorf("making a socket: %v, want the errno of what is refused", err)
		}
		t.Logf("making a socket fails: %v", err)
		return nil, nil
	}
	if *refuse == byStrace {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	var made [][2]kernel.Conn
	if when == "after" {
		for _, cfg := range kinds {
			a, b := open(cfg)
			made = append(made, [2]kernel.Conn{a, b})
		}
	}
	if *refuse != byStrace {
		sandbox(t, strings.Split(names, "+"), errnos[errno])
	}
	if when == "before" {
		for _, cfg := range kinds {
			a, b := open(cfg)
			made = append(made, [2]kernel.Conn{a, b})
		}
	}
	exerciseAll := func() {
		for i, pair := range made {
			if a, b := pair[0], pair[1]; a != nil {
				host := "127.0.0.1"
				if kinds[i].Local.Addr().Is6() {
					host = "::1"
				}
				exercise(t, a, b, host, kinds[i])
				_, _ = a.Close(), b.Close()
			}
		}
	}
	if *refuse != byStrace {
		exerciseAll()
		return
	}
	onAnotherThread(exerciseAll)
}
