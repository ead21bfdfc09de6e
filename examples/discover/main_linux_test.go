package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

// avahi starts Avahi on a host, with a /run of its own, publishing the host
// itself as a service. Where it cannot run, an ordinary user's namespace for
// one, it ends, and says why.
func avahi(t *testing.T, h *netlab.Host) (ended <-chan struct{}, said *strings.Builder) {
	t.Helper()
	path, err := exec.LookPath("avahi-daemon")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/avahi-daemon"); err != nil {
			t.Skip("no avahi-daemon: ", err)
		}
	}
	config := filepath.Join(t.TempDir(), "avahi.conf")
	err = os.WriteFile(config, []byte(`[server]
host-name=lab-host
use-ipv4=yes
use-ipv6=yes
enable-dbus=no
ratelimit-interval-usec=0
[publish]
publish-addresses=yes
publish-workstation=yes
publish-hinfo=no
`), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec "$0" -f "$1" --no-drop-root --no-chroot --no-rlimits`
	cmd := exec.Command("/bin/sh", "-c", script, path, config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	said = new(strings.Builder)
	cmd.Stderr = said
	if err := h.Do(cmd.Start); err != nil {
		t.Skip("no avahi-daemon: ", err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-over
	})
	return over, said
}

func TestAvahiIsFoundOnEveryInterface(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	home, far := lab.Home(), lab.Host("far")
	lab.Link(home.Port("disc0", "10.9.0.1/24"), far.Port("eth0", "10.9.0.2/24"))
	lab.Link(home.Port("disc1", "10.9.1.1/24"), far.Port("eth1", "10.9.1.2/24"))
	ended, said := avahi(t, far)

	var got []service
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		var err error
		got, err = browse(ctx, "", func(err error) { t.Log(err) })
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			t.Skipf("avahi-daemon does not run here: %s", said)
		default:
		}
		var on []string // Avahi has a workstation for each interface
		for _, s := range got {
			if s.kind == "_workstation._tcp" && strings.HasPrefix(s.name, "lab-host") &&
				s.host == "lab-host.local." && s.port == 9 && len(s.addrs) > 0 {
				on = append(on, s.interfaces...)
			}
		}
		slices.Sort(on)
		if slices.Equal(on, []string{"disc0", "disc1"}) {
			return
		}
	}
	t.Errorf("found %+v", got)
}

func TestNothingIsFoundWhereThereIsNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := browse(ctx, "lo", func(err error) { t.Log(err) })
	if err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
