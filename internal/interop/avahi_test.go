package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// avahi starts the daemon on a host of the lab and waits until it has its name.
func avahi(t *testing.T, h *netlab.Host, name string) {
	t.Helper()
	path := program(t, "avahi-daemon", "/usr/sbin/avahi-daemon")
	const state = "/run/avahi-daemon" // it takes no other
	if _, err := os.Stat(state + "/pid"); err == nil {
		t.Skip("another avahi-daemon runs on this machine")
	}
	switch err := os.Mkdir(state, 0o755); {
	case err == nil:
		t.Cleanup(func() { os.Remove(state) })
	case !errors.Is(err, os.ErrExist):
		t.Skip("avahi-daemon can only run as root: ", err)
	}
	config := filepath.Join(t.TempDir(), "avahi.conf")
	text := fmt.Sprintf("[server]\nhost-name=%s\nallow-interfaces=eth0\nenable-dbus=no\n[wide-area]\nenable-wide-area=no\n", name)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startOn(t, h.Do, exec.Command(path, "-f", config, "--no-drop-root", "--no-chroot", "--no-rlimits", "--no-proc-title"))
	p.expect(`Server startup complete\. Host name is ` + name + `\.local`)
}

// found waits for an answer that has an address of a name.
func found(t testing.TB, s *udp.Socket, name string, want netip.Addr) {
	t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		select {
		case m := <-s.Messages():
			answer := new(dns.Msg)
			if answer.Unpack(m.Data) != nil || !answer.Response {
				continue
			}
			for _, rr := range answer.Answer {
				if a, ok := rr.(*dns.A); ok && a.Hdr.Name == name && a.A.String() == want.String() {
					if m.From.Addr() != want {
						t.Errorf("the answer is from %v, want %v", m.From, want)
					}
					return
				}
			}
		case <-timer.C:
			t.Fatalf("no answer has the address of %s", name)
		}
	}
}

func TestAvahiAnswersUs(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	avahi(t, a, "kitchen")
	group := netip.MustParseAddrPort("224.0.0.251:5353")
	question, err := new(dns.Msg).SetQuestion("kitchen.local.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}

	// A member of the group hears the answer that goes to all, one who only asks
	// gets it sent.
	member := netlab.On(b, func() (*udp.Socket, error) {
		return udp.Listen(context.Background(), "udp4", ":5353", udp.WithReuseAddr())
	})
	defer member.Close()
	if err := b.Do(func() error {
		_, err := multicast.Join(member, group.Addr(), multicast.On("eth0"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	passerBy := netlab.On(b, func() (*udp.Socket, error) { return udp.Listen(context.Background(), "udp4", ":0") })
	defer passerBy.Close()
	for _, s := range []*udp.Socket{member, passerBy} {
		if err := b.Do(func() error { return multicast.SetInterface(s, "eth0") }); err != nil {
			t.Fatal(err)
		}
		if err := s.SendTo(context.Background(), group, question); err != nil {
			t.Fatal(err)
		}
		found(t, s, "kitchen.local.", netip.MustParseAddr("10.0.0.1"))
	}
}
