//go:build linux

package linux_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
)

// cabled is a lab of two hosts with a cable between their eth0.
func cabled(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	netlab.RequireIPv6(t)
	lab = netlab.New(t)
	a, b = lab.Host("a"), lab.Host("b")
	cable(lab, a, b)
	return lab, a, b
}

func cable(lab *netlab.Lab, a, b *netlab.Host) {
	lab.Link(a.Port("eth0", "10.77.0.1/24", "fe80::77/64"), b.Port("eth0", "10.77.0.2/24", "fe80::88/64"))
}

// openOn opens a socket of a host for as long as the test lasts.
func openOn(t *testing.T, h *netlab.Host, cfg kernel.Config) kernel.Conn {
	t.Helper()
	c := netlab.On(h, func() (kernel.Conn, error) { return linux.System{}.Open(cfg) })
	t.Cleanup(func() { c.Close() })
	return c
}

// privileges are ways to call a function with and without CAP_NET_RAW, which the
// kernel asks for when the device of a socket changes (socket(7)).
var privileges = map[string]func(t *testing.T, f func() error) error{
	"with CAP_NET_RAW":    func(_ *testing.T, f func() error) error { return f() },
	"without CAP_NET_RAW": withoutNetRaw,
}

// withoutNetRaw runs f on a thread without CAP_NET_RAW.
func withoutNetRaw(t *testing.T, f func() error) error {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData
	check(t, unix.Capget(&header, &has[0]))
	has[0].Effective &^= 1 << unix.CAP_NET_RAW
	check(t, unix.Capset(&header, &has[0]))
	defer func() {
		has[0].Effective = has[0].Permitted
		if err := unix.Capset(&header, &has[0]); err != nil {
			runtime.LockOSThread() // the thread ends with the goroutine
			t.Error(err)
		}
	}()
	return f()
}

// The kernel binds a socket to the device of a link-local peer. Without the peer it has
// the device that it had before.
func TestTheDeviceOfAPeerGoesWithIt(t *testing.T) {
	_, a, _ := cabled(t)
	for name, cfg := range map[string]kernel.Config{
		"every address": {Network: "udp6"},
		"loopback":      {Network: "udp6", Local: addr("[::1]:0")},
		"a device":      {Network: "udp6", Interface: "eth0"},
	} {
		for how, as := range privileges {
			t.Run(name+", "+how, func(t *testing.T) {
				never, was := openOn(t, a, cfg), openOn(t, a, cfg)
				for range 2 {
					before := local(t, was)
					check(t, as(t, func() error { return was.Connect(addr("[fe80::88%eth0]:9")) }))
					check(t, as(t, func() error { return was.Disconnect(before) }))
				}
				alike(t, never, was)
			})
		}
	}
}

// A Connect that fails leaves the device as it was, too.
func TestAConnectThatFailsLeavesTheDevice(t *testing.T) {
	lab, a, _ := cabled(t)
	lab.Must(a.Down("eth0"))
	for how, as := range privileges {
		t.Run(how, func(t *testing.T) {
			never, was := openOn(t, a, kernel.Config{Network: "udp6"}), openOn(t, a, kernel.Config{Network: "udp6"})
			err := as(t, func() error { return was.Connect(addr("[fe80::88%eth0]:9")) })
			if err == nil {
				t.Fatal("connected by way of a device that is down")
			}
			alike(t, never, was)
		})
	}
}

// alike expects the kernel to report the same options for two sockets.
func alike(t *testing.T, never, was kernel.Conn) {
	t.Helper()
	a, b := answers(t, never), answers(t, was)
	for what := range a {
		if !bytes.Equal(a[what], b[what]) {
			t.Errorf("%s: %q of one that never was connected, %q of one that was", what, a[what], b[what])
		}
	}
}

// A device that is made again has another number. The socket is bound to it, and keeps
// its address and its peer.
func TestADeviceThatIsMadeAgainCanBeBoundAgain(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"udp4":      {Network: "udp4", Local: addr("0.0.0.0:6800"), Interface: "eth0"},
		"udp6":      {Network: "udp6", Local: addr("[::]:6800"), Interface: "eth0"},
		"zone":      {Network: "udp6", Local: addr("[fe80::77%eth0]:6800")},
		"connected": {Network: "udp6", Local: addr("[fe80::77%eth0]:6800"), Remote: addr("[fe80::88%eth0]:6900")},
	} {
		for how, as := range privileges {
			t.Run(name+", "+how, func(t *testing.T) {
				lab, a, b := cabled(t)
				c := openOn(t, a, cfg)
				lab.Must(a.Delete("eth0"))
				if err := as(t, func() error { return c.(kernel.DeviceBinder).BindToDevice("eth0") }); !errors.Is(err, unix.ENODEV) {
					t.Errorf("bound to a device that there is not: %v", err)
				}
				cable(lab, a, b)
				check(t, as(t, func() error { return c.(kernel.DeviceBinder).BindToDevice("eth0") }))
				from, to := addr("[fe80::88%eth0]:6900"), addr("[fe80::77%eth0]:6800")
				if cfg.Network == "udp4" {
					from, to = addr("10.77.0.2:6900"), addr("10.77.0.1:6800")
				}
				send(t, openOn(t, b, kernel.Config{Network: cfg.Network, Local: from}), "hello", to)
				want(t, c, "hello")
				if peer, _ := c.RemoteAddr(); peer != cfg.Remote {
					t.Errorf("the peer is %v, want %v", peer, cfg.Remote)
				}
			})
		}
	}
}
