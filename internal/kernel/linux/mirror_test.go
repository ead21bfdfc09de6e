//go:build linux

package linux_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
)

// answers returns the value of every option of a socket that the kernel reports,
// and the addresses of the socket.
func answers(t *testing.T, c kernel.Conn) (all map[string][]byte) {
	all = map[string][]byte{}
	check(t, c.Borrow().Control(func(fd uintptr) {
		for _, level := range []int{unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_IPV6, unix.SOL_UDP} {
			for option := 1; option < 128; option++ {
				switch {
				case level == unix.IPPROTO_IP && option == 52: // the port, by accident
					continue
				case level != unix.SOL_SOCKET:
				case option == unix.SO_COOKIE, option == unix.SO_MEMINFO, option == unix.SO_INCOMING_CPU, option == unix.SO_INCOMING_NAPI_ID, option == unix.SO_ATTACH_FILTER:
					continue // of this socket and moment
				}
				b := make([]byte, 256)
				n := uint32(len(b))
				_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(level), uintptr(option),
					uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n)), 0)
				if errno != 0 {
					n = uint32(copy(b, errno.Error()))
				}
				all[fmt.Sprint(level, "/", option)] = b[:min(int(n), len(b))]
			}
		}
		sa, err := unix.Getsockname(int(fd))
		if in, ok := sa.(*unix.SockaddrInet6); ok {
			in.Port = 0
		}
		if in, ok := sa.(*unix.SockaddrInet4); ok {
			in.Port = 0
		}
		all["address"] = fmt.Append(nil, sa, err)
		_, err = unix.Getpeername(int(fd))
		all["peer"] = fmt.Append(nil, err)
	}))
	return all
}

// The kernel reports the same about a socket that was connected and disconnected as
// about one that never was.
func TestTheMirror(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"udp4":          {Network: "udp4"},
		"udp6":          {Network: "udp6"},
		"udp6 only":     {Network: "udp6", IPv6Only: true},
		"udp4 loopback": {Network: "udp4", Local: addr("127.0.0.1:0")},
		"with options": {Network: "udp6", TTL: 9, TOS: 0x20, ReceiveTOS: true, ReceiveTTL: true, Timestamps: true, PacketInfo: kernel.On,
			DontFragment: true, Broadcast: true, ReadBuffer: 40000, WriteBuffer: 50000, ReuseAddr: true, ICMPErrors: true},
		"device": {Network: "udp4", Interface: "lo"},
	} {
		t.Run(name, func(t *testing.T) {
			extra := func(c kernel.Conn) {
				check(t, c.Borrow().Control(func(fd uintptr) {
					for _, o := range [][3]int{
						{unix.SOL_SOCKET, unix.SO_PRIORITY, 3}, {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, {unix.SOL_SOCKET, unix.SO_RCVLOWAT, 7},
						{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 5}, {unix.IPPROTO_IP, unix.IP_FREEBIND, 1}, {unix.IPPROTO_IP, unix.IP_MINTTL, 1},
						{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 6}, {unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
						{unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1}, {unix.SOL_UDP, unix.UDP_NO_CHECK6_RX, 1},
					} {
						_ = unix.SetsockoptInt(int(fd), o[0], o[1], o[2])
					}
					_ = unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 3})
				}))
			}
			never, was := open(t, cfg), open(t, cfg)
			extra(never)
			extra(was)
			_ = was.SetOffload(true)
			_ = never.SetOffload(true)
			host := netip.MustParseAddr("127.0.0.1")
			if cfg.IPv6Only {
				host = netip.IPv6Loopback()
			}
			for range 2 {
				before := local(t, was)
				check(t, was.Connect(netip.AddrPortFrom(host, 9)))
				check(t, was.Disconnect(before))
			}
			alike(t, never, was)
		})
	}
}

// Receive offload that is turned off while the socket is replaced is off afterwards.
func TestOffloadEndsBesideDisconnect(t *testing.T) {
	for i := range 100 {
		c := loopback(t, "udp4")
		before := local(t, c)
		check(t, c.Connect(addr("127.0.0.1:9")))
		check(t, c.SetOffload(true))
		var both sync.WaitGroup
		both.Go(func() {
			for begun := time.Now(); time.Since(begun) < time.Duration(i)*5*time.Microsecond; {
			}
			_ = c.SetOffload(false)
		})
		both.Go(func() { _ = c.Disconnect(before) })
		both.Wait()
		check(t, c.Borrow().Control(func(fd uintptr) {
			if on, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO); on != 0 || err != nil {
				t.Fatalf("offload is %d, %v", on, err)
			}
		}))
		check(t, c.Close())
	}
}

// Many rounds leave no descriptor behind.
func TestDisconnectLeavesNoDescriptors(t *testing.T) {
	c := open(t, kernel.Config{Network: "udp6"})
	before := local(t, c)
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		check(t, err)
		n := 0
		for _, fd := range fds {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, "socket:") {
				n++
			}
		}
		return n
	}
	had := count()
	for range 10 {
		check(t, c.Connect(addr("[::1]:9")))
		check(t, c.Disconnect(before))
		check(t, c.TryReceive(&collect{}))
	}
	if n := count(); n != had {
		t.Errorf("%d sockets, %d before", n, had)
	}
}

// The other owners of a shared IPv6 socket keep its peer. The own socket receives
// from all.
func TestASharedIPv6SocketIsLeftToTheOthers(t *testing.T) {
	netlab.RequireBindingBeside(t)
	peer, other := loopback(t, "udp6"), loopback(t, "udp6")
	c := loopback(t, "udp6")
	before := local(t, c)
	check(t, c.Connect(local(t, peer)))
	f, err := c.Dup()
	check(t, err)
	check(t, c.Disconnect(before))
	if sa, err := unix.Getpeername(int(f.Fd())); err != nil {
		t.Errorf("the others have peer %v, %v", sa, err)
	}
	send(t, other, "from another", before)
	want(t, c, "from another")
	check(t, f.Close())
	check(t, c.TryReceive(&collect{}))
	send(t, peer, "from the peer", before)
	want(t, c, "from the peer")
}
