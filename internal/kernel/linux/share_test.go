//go:build linux

package linux_test

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
)

// A free port is free, also for a socket that will share it: the kernel by
// itself takes a port that others share for free.
func TestAFreePortIsNoStrangers(t *testing.T) {
	lab := netlab.New(t)
	host := lab.Host("alone")
	lab.Must(host.SetSysctl("net.ipv4.ip_local_port_range", "40000 40009"))
	seen := map[uint16]bool{}
	for range 10 {
		c := netlab.On(host, func() (kernel.Conn, error) {
			return linux.System{}.Open(kernel.Config{Network: "udp4", Local: addr("127.0.0.1:0"), ReusePort: true, ReuseAddr: true})
		})
		t.Cleanup(func() { c.Close() })
		port := local(t, c).Port()
		if seen[port] {
			t.Errorf("port %d twice", port)
		}
		seen[port] = true
		sibling := netlab.On(host, func() (kernel.Conn, error) {
			return linux.System{}.Open(kernel.Config{Network: "udp4", Local: local(t, c), ReusePort: true})
		})
		t.Cleanup(func() { sibling.Close() })
	}
}

// Sockets that were bound before they were opened to others balance as ever.
func TestSiblingsOfAFreePortBalance(t *testing.T) {
	first := open(t, kernel.Config{Network: "udp4", Local: addr("127.0.0.1:0"), ReusePort: true})
	second := open(t, kernel.Config{Network: "udp4", Local: local(t, first), ReusePort: true})
	for range 64 {
		send(t, loopback(t, "udp4"), "x", local(t, first))
	}
	if a, b := first.Discard(), second.Discard(); a == 0 || b == 0 || a+b != 64 {
		t.Errorf("%d and %d of 64", a, b)
	}
}

// A member of a group that drains leaves its share to the others, and sends from
// where the route says.
func TestADrainingMemberLeavesItsShare(t *testing.T) {
	for _, where := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		first := open(t, kernel.Config{Network: "udp4", Local: addr(where), ReusePort: true})
		second := open(t, kernel.Config{Network: "udp4", Local: local(t, first), ReusePort: true})
		to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), local(t, first).Port())
		check(t, second.Drain())
		for range 64 {
			send(t, loopback(t, "udp4"), "x", to)
		}
		if a, b := first.Discard(), second.Discard(); a != 64 || b != 0 {
			t.Errorf("%s: %d and %d, want 64 and 0", where, a, b)
		}
		peer := loopback(t, "udp4")
		ds := []kernel.Datagram{{Data: []byte("one"), To: local(t, peer)}, {Data: []byte("two"), To: local(t, peer)}}
		n, err := second.SendBatch(ds)
		check(t, err)
		if n != 2 {
			t.Errorf("%d sent", n)
		}
		check(t, second.SendTo([]byte("three"), local(t, peer)))
		for _, s := range []string{"one", "two", "three"} {
			want(t, peer, s)
		}
	}
}

func TestADrainingMemberSendsOffTheHost(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("a"), lab.Host("b")
	lab.Link(a.Port("eth0", "10.0.0.1/24"), b.Port("eth0", "10.0.0.2/24"))
	on := func(h *netlab.Host, cfg kernel.Config) kernel.Conn {
		c := netlab.On(h, func() (kernel.Conn, error) { return linux.System{}.Open(cfg) })
		t.Cleanup(func() { c.Close() })
		return c
	}
	peer := on(b, kernel.Config{Network: "udp4", Local: addr("10.0.0.2:0")})
	member := on(a, kernel.Config{Network: "udp4", ReusePort: true})
	check(t, member.Drain())
	check(t, member.SendTo([]byte("still there"), local(t, peer)))
	buffer := make([]byte, 100)
	var p kernel.Packet
	n, _, _, err := peer.ReadMsg(buffer, nil, &p)
	check(t, err)
	if string(buffer[:n]) != "still there" || p.From.Addr() != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("%q from %v", buffer[:n], p.From)
	}
}

// Whoever duplicated the descriptor keeps a working one.
func TestADuplicateOutlivesTheSocket(t *testing.T) {
	for name, dup := range map[string]func(kernel.Conn) int{
		"Control": func(c kernel.Conn) (fd int) {
			check(t, c.SyscallConn().Control(func(s uintptr) { fd, _ = unix.Dup(int(s)) }))
			return fd
		},
		"Dup": func(c kernel.Conn) int {
			f, err := c.Dup()
			check(t, err)
			defer f.Close()
			fd, err := unix.Dup(int(f.Fd()))
			check(t, err)
			return fd
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := loopback(t, "udp4")
			to := local(t, c)
			fd := dup(c)
			f := os.NewFile(uintptr(fd), "duplicate")
			defer f.Close()
			send(t, loopback(t, "udp4"), "before", to)
			if n := c.Discard(); n != 0 {
				t.Errorf("%d taken from the duplicate", n)
			}
			check(t, c.Close())
			send(t, loopback(t, "udp4"), "after", to)
			for _, s := range []string{"before", "after"} {
				b := make([]byte, 10)
				if n, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT); err != nil || string(b[:n]) != s {
					t.Errorf("%q, %v, want %q", b[:max(n, 0)], err, s)
				}
			}
			if _, err := unix.Getpeername(fd); err != unix.ENOTCONN {
				t.Errorf("the duplicate has a peer: %v", err)
			}
		})
	}
}

// What the last owner set is not ours.
func TestAnAdoptedSocketIsLikeOneOfOurs(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	f := os.NewFile(uintptr(fd), "theirs")
	defer f.Close()
	for _, o := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_BROADCAST, 1}, {unix.SOL_UDP, unix.UDP_SEGMENT, 2}, {unix.SOL_UDP, unix.UDP_CORK, 1}, {unix.SOL_UDP, unix.UDP_GRO, 1},
	} {
		_ = unix.SetsockoptInt(fd, o[0], o[1], o[2])
	}
	c, _, err := linux.System{}.Adopt(f, kernel.Config{})
	check(t, err)
	defer c.Close()
	if on, err := c.Option(kernel.Broadcast); on != 0 || err != nil {
		t.Errorf("broadcast is %d, %v", on, err)
	}
	to := loopback(t, "udp4")
	send(t, c, "in one piece", local(t, to))
	want(t, to, "in one piece")
}

func TestARawSocketIsNotUDP(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip(err)
	}
	check(t, err)
	f := os.NewFile(uintptr(fd), "raw")
	defer f.Close()
	if _, _, err := (linux.System{}).Adopt(f, kernel.Config{}); !errors.Is(err, kernel.ErrNotUDP) {
		t.Errorf("%v, want ErrNotUDP", err)
	}
}
