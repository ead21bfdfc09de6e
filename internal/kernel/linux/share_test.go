//go:build linux

package linux_test

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
	"example.com/dgram/internal/netlab"
)

// A free port is free also for a socket that will share it. The kernel by itself
// may choose a port that others share.
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

// The kernel balances between sockets that set the sharing options after the bind.
func TestSiblingsOfAFreePortBalance(t *testing.T) {
	first := open(t, kernel.Config{Network: "udp4", Local: addr("127.0.0.1:0"), ReusePort: true})
	second := open(t, kernel.Config{Network: "udp4", Local: local(t, first), ReusePort: true})
	for range 64 {
		send(t, loopback(t, "udp4"), "x", local(t, first))
	}
	fence(t)
	if a, b := first.Discard(), second.Discard(); a == 0 || b == 0 || a+b != 64 {
		t.Errorf("%d and %d of 64", a, b)
	}
}

// A socket that drains leaves its share of the port to the others, and its
// datagrams have the source that the route says.
func TestADrainingMemberLeavesItsShare(t *testing.T) {
	for _, where := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		network, host := "udp4", netip.MustParseAddr("127.0.0.1")
		if addr(where).Addr().Is6() {
			network, host = "udp6", netip.IPv6Loopback()
		}
		first := open(t, kernel.Config{Network: network, Local: addr(where), ReusePort: true})
		second := open(t, kernel.Config{Network: network, Local: local(t, first), ReusePort: true})
		to := netip.AddrPortFrom(host, local(t, first).Port())
		check(t, second.Drain())
		for range 64 {
			send(t, loopback(t, network), "x", to)
		}
		for range 64 {
			want(t, first, "x")
		}
		if second.Queued() || first.Queued() {
			t.Errorf("%s: more than was sent", where)
		}
		if netlab.Swapped() {
			continue // the size of a burst is handed on in the other byte order
		}
		peer := loopback(t, network)
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

// A draining member sends from where the route says, to any destination.
func TestADrainingMemberSendsOffTheHost(t *testing.T) {
	_, a, b := cabled(t)
	for network, peers := range map[string][]string{
		"udp4": {"10.77.0.2"},
		"udp6": {"fe80::88%eth0", "10.77.0.2", "fe80::88%eth0"},
	} {
		member, other := openOn(t, a, kernel.Config{Network: network, ReusePort: true}), openOn(t, a, kernel.Config{Network: network})
		check(t, member.Drain())
		for _, p := range peers {
			cfg := kernel.Config{Network: "udp6", Local: netip.AddrPortFrom(netip.MustParseAddr(p), 0)}
			if cfg.Local.Addr().Is4() {
				cfg.Network = "udp4"
			}
			peer := openOn(t, b, cfg)
			to := netip.AddrPortFrom(cfg.Local.Addr(), local(t, peer).Port())
			check(t, other.SendTo([]byte("still there"), to))
			check(t, member.SendTo([]byte("still there"), to))
			var packets [2]kernel.Packet
			for i := range packets {
				check(t, peer.SetReadDeadline(time.Now().Add(10*time.Second)))
				_, _, _, err := peer.ReadMsg(make([]byte, 100), nil, &packets[i])
				check(t, err)
			}
			if a, b := packets[0].From, packets[1].From; a.Addr() != b.Addr() || b.Port() != local(t, member).Port() {
				t.Errorf("%s to %v: from %v, and from %v where no member drains", network, to, b, a)
			}
		}
	}
}

// A duplicate of the descriptor works after the socket is closed.
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
			fence(t)
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

// An adopted socket loses the options of its last owner.
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
