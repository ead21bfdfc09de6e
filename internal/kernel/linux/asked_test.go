//go:build linux

package linux_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
)

// asked are configurations that ask for one option of IPv4, by the option's name.
var asked = map[string]kernel.Config{
	"SO_BROADCAST": {Broadcast: true}, "SO_REUSEADDR": {ReuseAddr: true}, "SO_REUSEPORT": {ReusePort: true},
	"SO_RCVBUF": {ReadBuffer: 65536}, "SO_SNDBUF": {WriteBuffer: 65536}, "SO_BINDTODEVICE": {Interface: "lo"},
	"IP_PKTINFO": {PacketInfo: kernel.On}, "IP_RECVTOS": {ReceiveTOS: true}, "IP_RECVTTL": {ReceiveTTL: true},
	"IP_TOS": {TOS: 1}, "IP_TTL": {TTL: 9}, "IP_RECVERR": {ICMPErrors: true}, "IP_MTU_DISCOVER": {DontFragment: true},
}

// An option that was asked for and is refused is no success, whatever the errno, also
// where setsockopt says yes and getsockopt denies it.
func TestAnOptionThatIsRefusedIsNoSuccess(t *testing.T) {
	switch {
	case *refuse != "":
		t.Skip("this is the child")
	case runtime.GOARCH == "386" || runtime.GOARCH == "s390x":
		t.Skip("socketcall(2) hides the options from seccomp")
	}
	for name := range asked {
		for _, errno := range []string{"EPERM", "ENOPROTOOPT", "ENOSYS", "yes"} {
			if errno == "yes" && (name == "SO_RCVBUF" || name == "SO_SNDBUF" || name == "IP_TOS") {
				continue // the kernel bounds sizes and may clear the ECN bits
			}
			t.Run(name+":"+errno, func(t *testing.T) {
				out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAsked$", "-test.v", "-refuse="+name+":"+errno).CombinedOutput()
				switch {
				case errors.Is(err, unix.ENOEXEC): // a binary of another processor, which is emulated
					t.Skip(err)
				case bytes.Contains(out, []byte("seccomp: ")), bytes.Contains(out, []byte("--- SKIP: TestAsked")):
					t.Skipf("%s", out)
				case err != nil || !bytes.Contains(out, []byte("--- PASS: TestAsked")):
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// TestAsked is the child.
func TestAsked(t *testing.T) {
	name, errno, ok := strings.Cut(*refuse, ":")
	cfg, known := asked[name]
	if !ok || !known {
		t.Skip("nothing is refused")
	}
	cfg.Network, cfg.Local = "udp4", addr("127.0.0.1:0")
	if c, err := (linux.System{}).Open(cfg); err != nil {
		t.Skipf("without a sandbox: %v", err)
	} else {
		_ = c.Close()
	}
	sandbox(t, []string{name}, errnos[errno])
	c, err := linux.System{}.Open(cfg)
	switch {
	case err == nil:
		_ = c.Close()
		t.Error("a socket was made")
	case errno == "EPERM" && !errors.Is(err, unix.EPERM), errno != "EPERM" && !errors.Is(err, errors.ErrUnsupported):
		t.Errorf("%v (%T)", err, err)
	}
}
