//go:build linux

package linux_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/linux"
)

// A sandbox may refuse any system call and any option, with any errno, before a
// socket is made or later. A test runs itself as a child process with a seccomp
// filter (seccomp(2)) that does so. Errno 0 is a kernel that says yes and does
// nothing.

var (
	refuse    = flag.String("refuse", "", "what a child process is refused")
	refuseAll = flag.Bool("refuse-all", false, "try all that may be refused")
)

// calls are system calls that this package makes.
var calls = map[string]uint32{
	"recvmmsg": unix.SYS_RECVMMSG, "recvmsg": unix.SYS_RECVMSG, "recvfrom": unix.SYS_RECVFROM,
	"sendmmsg": unix.SYS_SENDMMSG, "sendmsg": unix.SYS_SENDMSG, "sendto": unix.SYS_SENDTO,
	"setsockopt": unix.SYS_SETSOCKOPT, "getsockopt": unix.SYS_GETSOCKOPT,
	"socket": unix.SYS_SOCKET, "bind": unix.SYS_BIND, "connect": unix.SYS_CONNECT,
	"getsockname": unix.SYS_GETSOCKNAME, "getpeername": unix.SYS_GETPEERNAME,
	"ioctl": unix.SYS_IOCTL, "fcntl": unix.SYS_FCNTL, "epoll_ctl": unix.SYS_EPOLL_CTL, "epoll_create1": unix.SYS_EPOLL_CREATE1, "ppoll": unix.SYS_PPOLL,
}

// options are socket options that this package sets or reads.
var options = map[string][2]uint32{
	"SO_REUSEADDR": {unix.SOL_SOCKET, unix.SO_REUSEADDR}, "SO_REUSEPORT": {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	"SO_BROADCAST": {unix.SOL_SOCKET, unix.SO_BROADCAST}, "SO_TIMESTAMPNS": {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS},
	"SO_MEMINFO": {unix.SOL_SOCKET, unix.SO_MEMINFO}, "SO_RXQ_OVFL": {unix.SOL_SOCKET, unix.SO_RXQ_OVFL},
	"SO_RCVBUF": {unix.SOL_SOCKET, unix.SO_RCVBUF}, "SO_SNDBUF": {unix.SOL_SOCKET, unix.SO_SNDBUF},
	"SO_ATTACH_FILTER": {unix.SOL_SOCKET, unix.SO_ATTACH_FILTER}, "SO_ERROR": {unix.SOL_SOCKET, unix.SO_ERROR},
	"UDP_GRO": {unix.SOL_UDP, unix.UDP_GRO}, "UDP_SEGMENT": {unix.SOL_UDP, unix.UDP_SEGMENT},
	"IP_PKTINFO": {unix.SOL_IP, unix.IP_PKTINFO}, "IPV6_RECVPKTINFO": {unix.SOL_IPV6, unix.IPV6_RECVPKTINFO},
	"IP_RECVTOS": {unix.SOL_IP, unix.IP_RECVTOS}, "IPV6_RECVTCLASS": {unix.SOL_IPV6, unix.IPV6_RECVTCLASS},
	"IP_RECVTTL": {unix.SOL_IP, unix.IP_RECVTTL}, "IPV6_RECVHOPLIMIT": {unix.SOL_IPV6, unix.IPV6_RECVHOPLIMIT},
	"IP_TOS": {unix.SOL_IP, unix.IP_TOS}, "IPV6_TCLASS": {unix.SOL_IPV6, unix.IPV6_TCLASS},
	"IP_TTL": {unix.SOL_IP, unix.IP_TTL}, "IPV6_UNICAST_HOPS": {unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS},
	"IP_RECVERR": {unix.SOL_IP, unix.IP_RECVERR}, "IPV6_RECVERR": {unix.SOL_IPV6, unix.IPV6_RECVERR},
	"IP_MTU_DISCOVER": {unix.SOL_IP, unix.IP_MTU_DISCOVER}, "IPV6_MTU_DISCOVER": {unix.SOL_IPV6, unix.IPV6_MTU_DISCOVER},
	"IP_MULTICAST_ALL": {unix.SOL_IP, unix.IP_MULTICAST_ALL}, "IPV6_MULTICAST_ALL": {unix.SOL_IPV6, unix.IPV6_MULTICAST_ALL},
	"IPV6_V6ONLY": {unix.SOL_IPV6, unix.IPV6_V6ONLY},
}

var errnos = map[string]syscall.Errno{"ENOSYS": unix.ENOSYS, "EPERM": unix.EPERM, "EINVAL": unix.EINVAL, "yes": 0}

// lies are the calls for which a yes that does nothing is a thing to live with.
var lies = map[string]bool{"recvmmsg": true, "sendmmsg": true, "setsockopt": true}

// refusals are what children are refused: names, "+" between them, the errno,
// and when.
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
				continue // what a kernel that has it says to a bad argument
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
	var made [][2]kernel.Conn
	if when == "after" {
		for _, cfg := range kinds {
			a, b := open(cfg)
			made = append(made, [2]kernel.Conn{a, b})
		}
	}
	sandbox(t, strings.Split(names, "+"), errnos[errno])
	if when == "before" {
		for _, cfg := range kinds {
			a, b := open(cfg)
			made = append(made, [2]kernel.Conn{a, b})
		}
	}
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

// port is the port of c, or 0 where it cannot be known.
func port(c kernel.Conn) uint16 {
	a, _ := c.LocalAddr()
	return a.Port()
}

// exercise sends in every way and reads in every way: nothing is lost, changed,
// or waited for in vain.
func exercise(t *testing.T, a, b kernel.Conn, host string, cfg kernel.Config) {
	t.Helper()
	if port(b) == 0 {
		return // package udp does not take such a socket: it has to know where it is
	}
	to := netip.AddrPortFrom(netip.MustParseAddr(host), port(b))
	_ = b.SetOffload(true)
	fail := func(what string, err error) bool {
		if err != nil {
			t.Errorf("%s %s: %s: %v", cfg.Network, cfg.Local, what, err)
		}
		return err != nil
	}
	var sent []string
	add := func(s string) []byte { sent = append(sent, s); return []byte(s) }
	if fail("SendTo", a.SendTo(add("one"), to)) ||
		fail("Send", a.Send(&kernel.Datagram{Data: add("two"), To: to}, nil)) ||
		fail("SendWait", a.SendWait(&kernel.Datagram{To: to}, nil, nil)) {
		return
	}
	sent = append(sent, "", "parts")
	if fail("Send parts", a.Send(&kernel.Datagram{Data: []byte("pa"), More: [][]byte{[]byte("r"), nil, []byte("ts")}, To: to}, nil)) {
		return
	}
	var ds []kernel.Datagram
	for i := range 20 {
		ds = append(ds, kernel.Datagram{Data: add(strings.Repeat(strconv.Itoa(i%10), 50)), To: to})
	}
	for len(ds) > 0 {
		n, err := a.SendBatch(ds)
		if fail("SendBatch", err) {
			return
		}
		ds = ds[n:]
	}
	if fail("deadline", b.SetReadDeadline(time.Now().Add(10*time.Second))) {
		return
	}
	got := collect{}
	for len(got.texts) < len(sent)/2 {
		if fail("Receive", b.Receive(&got, true)) {
			return
		}
	}
	_ = b.SetOffload(false) // bursts would be one for the reads that follow: the queue is emptied first
	for end := time.Now().Add(10 * time.Second); len(got.texts) < len(sent) && time.Now().Before(end); {
		if fail("TryReceive", b.TryReceive(&got)) {
			return
		}
	}
	if fmt.Sprint(got.texts) != fmt.Sprint(sent) {
		t.Errorf("%s: received %q, want %q", cfg.Network, got.texts, sent)
	}
	buffer := make([]byte, 100)
	for _, oob := range [][]byte{nil, make([]byte, 200)} {
		if fail("SendTo", a.SendTo([]byte("for ReadMsg"), to)) {
			return
		}
		var p kernel.Packet
		n, _, _, err := b.ReadMsg(buffer, oob, &p)
		from := p.From
		if fail("ReadMsg", err) {
			return
		}
		if string(buffer[:n]) != "for ReadMsg" || from.Port() != port(a) {
			t.Errorf("ReadMsg: %q from %v", buffer[:n], from)
		}
	}
	if fail("SendTo", a.SendTo([]byte("for ReadMsgs"), to)) {
		return
	}
	ms := []ipv4.Message{{Buffers: [][]byte{buffer[:4], buffer[4:]}}}
	if n, err := b.ReadMsgs(ms, 0); fail("ReadMsgs", err) || n != 1 || string(buffer[:ms[0].N]) != "for ReadMsgs" {
		t.Errorf("ReadMsgs: %d, %q", n, buffer[:ms[0].N])
	}
	if fail("SendTo", a.SendTo([]byte("drained"), to)) {
		return
	}
	if err := b.Drain(); err != nil {
		t.Error(err)
	}
	got = collect{}
	if err := b.Receive(&got, true); err != nil || len(got.texts) != 1 {
		t.Errorf("after Drain: %q, %v", got.texts, err)
	}
	if err := b.Receive(&got, true); !errors.Is(err, kernel.ErrDrained) {
		t.Errorf("after Drain: %v, want ErrDrained", err)
	}
	_, _, _ = a.Drops(), a.Queued(), a.Discard()
}

// collect is a Sink that keeps every datagram.
type collect struct{ texts []string }

func (c *collect) Room() int     { return 16 }
func (c *collect) Pending() bool { return false }
func (c *collect) Wait() bool    { return true }
func (c *collect) Idle() bool    { return false }
func (c *collect) Deliver(b *kernel.Batch) {
	for i := range b.Packets {
		p := &b.Packets[i]
		size := p.Segment
		if size <= 0 || size > len(p.Data) {
			size = len(p.Data)
		}
		data := p.Data
		for range p.Datagrams() {
			n := min(size, len(data))
			c.texts = append(c.texts, string(data[:n]))
			data = data[n:]
		}
	}
}

// sandbox makes the kernel refuse what is named, on every thread.
func sandbox(t *testing.T, names []string, errno syscall.Errno) {
	t.Helper()
	const nr, arg1, arg2 = 0, 16 + 8, 16 + 16 // of struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		if at > nr && bigEndian() {
			at += 4 // the low half
		}
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: skip}
	}
	no := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	var program []unix.SockFilter
	for _, name := range names {
		if trap, ok := calls[name]; ok {
			program = append(program, load(nr), unless(trap, 1), no)
			continue
		}
		o, ok := options[name]
		if !ok {
			t.Fatalf("%q is neither a call nor an option", name)
		}
		for _, trap := range []uint32{unix.SYS_SETSOCKOPT, unix.SYS_GETSOCKOPT} {
			if errno == 0 && trap == unix.SYS_GETSOCKOPT {
				continue // it is asked back, and says what is so
			}
			program = append(program, load(nr), unless(trap, 5), load(arg1), unless(o[0], 3), load(arg2), unless(o[1], 1), no)
		}
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("seccomp: ", err)
	}
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p))); errno != 0 {
		t.Skip("seccomp: ", errno)
	}
}

func bigEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}
