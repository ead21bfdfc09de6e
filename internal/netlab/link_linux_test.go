package netlab_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/internal/netlab"
	"golang.org/x/sys/unix"
)

func TestInterfacesCanBeDeletedAndMadeAgain(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	x, y := a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24")
	lab.Link(x, y)
	first, err := a.Index("eth0")
	lab.Must(err)

	lab.Must(a.Delete("eth0"))
	for _, h := range []*netlab.Host{a, b} {
		if _, err := h.Index("eth0"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("%v still has eth0: %v", h, err)
		}
	}
	lab.Link(x, y)
	second, err := a.Index("eth0")
	lab.Must(err)
	if first == second {
		t.Errorf("the index is still %d", first)
	}
	ca, cb := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")
	send(t, ca, "again", local(cb))
	receive(t, cb, "again")
}

func TestInterfacesGoDownAndUp(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	ca, cb := listen(t, a, "0.0.0.0:0"), listen(t, b, "0.0.0.0:0")
	to := port("10.0.0.2", cb)

	lab.Must(a.Down("eth0"))
	if _, err := ca.WriteToUDPAddrPort(nil, to); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("error %v, want %v", err, unix.ENETUNREACH)
	}
	lab.Must(a.Up("eth0"), a.Settle("eth0"))
	send(t, ca, "back", to)
	receive(t, cb, "back")
}

func TestMTULimitsDatagrams(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	lab.Must(a.SetMTU("eth0", 1300))

	ca, cb := listen(t, a, "10.0.0.1:0"), listen(t, b, "10.0.0.2:0")
	setOption(t, ca, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	const fits = 1300 - 20 - 8
	send(t, ca, strings.Repeat("x", fits), local(cb))
	receive(t, cb, strings.Repeat("x", fits))
	_, err := ca.WriteToUDPAddrPort(make([]byte, fits+1), local(cb))
	if !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("error %v, want %v", err, unix.EMSGSIZE)
	}
}

func TestInterfacesCanBeRenamed(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0"), b.Port("eth0"))
	before, err := a.Index("eth0")
	lab.Must(err, a.Rename("eth0", "wan"))
	if after, err := a.Index("wan"); after != before {
		t.Errorf("index %d, error %v, want %d", after, err, before)
	}
}

func TestMulticastFlagCanBeCleared(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0"), b.Port("eth0"))
	for _, on := range []bool{false, true} {
		lab.Must(a.SetMulticast("eth0", on), a.Do(func() error {
			i, err := net.InterfaceByName("eth0")
			if err == nil && (i.Flags&net.FlagMulticast != 0) != on {
				t.Errorf("flags %v, want multicast %v", i.Flags, on)
			}
			return err
		}))
	}
}

func TestAddressesCanBeRemoved(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0"))
	lab.Must(a.RemoveAddress("eth0", "10.0.0.1/24"))
	err := a.Do(func() error {
		c, err := net.ListenPacket("udp4", "10.0.0.1:0")
		if err == nil {
			c.Close()
		}
		return err
	})
	if !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("error %v, want %v", err, unix.EADDRNOTAVAIL)
	}
}

func TestAddressesCanBeUsedAtOnce(t *testing.T) {
	netlab.RequireIPv6(t)
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "fd00::1/64"), b.Port("eth0"))
	c := listen(t, a, "[fd00::1]:0")
	for range 10 {
		lab.Must(b.AddAddress("eth0", "fd00::2/64"))
		member := listen(t, b, "[fd00::2]:0")
		send(t, c, "hello", local(member))
		receive(t, member, "hello")
		lab.Must(b.RemoveAddress("eth0", "fd00::2/64"))
	}
}

func TestErrorsSayWhatWasAsked(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0"))
	local, none := netip.MustParseAddrPort("10.0.0.1:9"), netip.AddrPort{}
	for _, c := range []struct {
		err  error
		want error
		says string
	}{
		{a.AddAddress("eth0", "10.0.0.1/24"), unix.EEXIST, "a: add address 10.0.0.1/24 to eth0: "},
		{a.RemoveAddress("eth0", "10.9.9.9/24"), unix.EADDRNOTAVAIL, "a: remove address 10.9.9.9/24 of eth0: "},
		{a.Up("eth9"), unix.ENODEV, "a: bring up eth9: "},
		{netlab.Connect(a.Port("eth0"), b.Port("eth1")), unix.EEXIST, "a: connect eth0 to eth1 of b: "},
		{a.AddRoute("10.1.0.0/16", "10.2.0.1"), unix.ENETUNREACH, "a: add route to 10.1.0.0/16 via 10.2.0.1: "},
		{a.RemoveRoute("10.1.0.0/16"), unix.ESRCH, "a: remove route to 10.1.0.0/16: "},
		{a.Unthrottle("eth0"), unix.EINVAL, "a: unthrottle eth0: "},
		{a.SetSysctl("net.ipv4.none", "1"), os.ErrNotExist, "a: set sysctl net.ipv4.none=1: "},
		{a.DestroySocket(local, none), unix.ENOENT, "a: destroy socket 10.0.0.1:9: "},
		{a.SetMTU("eth0", 1), unix.EINVAL, "a: set MTU 1 of eth0: "},
	} {
		switch {
		case c.err == nil:
			t.Errorf("no error, want %q", c.says)
		case !errors.Is(c.err, c.want):
			t.Errorf("error %q, want %v", c.err, c.want)
		case !strings.HasPrefix(c.err.Error(), c.says):
			t.Errorf("error %q, want %q", c.err, c.says)
		}
	}
	for _, err := range []error{
		a.AddAddress("eth0", "10.0.0.1"),
		a.AddRoute("nowhere", "10.0.0.2"),
		a.AddRoute("10.1.0.0/16", "gateway"),
		a.AddNeighbor("eth0", "neighbor", nil),
	} {
		if err == nil {
			t.Error("what cannot be parsed was accepted")
		}
	}
}

// setOption sets an integer option of a socket.
func setOption(t *testing.T, c syscall.Conn, level, option, value int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), level, option, value)
	})
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
}
