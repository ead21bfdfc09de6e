package portable_test

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/kernel/portable"
)

var refuse = flag.String("refuse", "", "when a child process is refused recvmsg and sendmsg")

func TestASandboxWithoutRecvmsgAndSendmsg(t *testing.T) {
	if *refuse != "" {
		t.Skip("this is the child")
	}
	for _, when := range []string{"before", "after"} {
		out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRefused$", "-test.v", "-refuse="+when).CombinedOutput()
		switch {
		case errors.Is(err, unix.ENOEXEC): // a binary of another processor, which is emulated
			t.Skip(err)
		case bytes.Contains(out, []byte("seccomp: ")):
			t.Skipf("%s", out)
		case err != nil || !bytes.Contains(out, []byte("--- PASS: TestRefused")):
			t.Errorf("%s: %v\n%s", when, err, out)
		}
	}
}

// TestRefused is the child.
func TestRefused(t *testing.T) {
	if *refuse == "" {
		t.Skip("nothing is refused")
	}
	if *refuse == "before" {
		sandbox(t)
	}
	open := func() kernel.Conn {
		c, err := portable.System{}.Open(kernel.Config{Network: "udp4", Local: netip.MustParseAddrPort("127.0.0.1:0"), PacketInfo: kernel.Try})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	a, b := open(), open()
	if *refuse == "after" {
		sandbox(t)
	}
	to, err := b.LocalAddr()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := a.SendTo([]byte("hello"), to); err != nil {
			t.Fatal(err)
		}
		if err := a.Send(&kernel.Datagram{Data: []byte("he"), More: [][]byte{[]byte("ll"), []byte("o")}, To: to}, nil); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		if n, _, _, err := b.ReadMsg(buffer, nil, new(kernel.Packet)); err != nil || string(buffer[:n]) != "hello" {
			t.Fatalf("%q, %v", buffer[:n], err)
		}
		ms := []ipv4.Message{{Buffers: [][]byte{buffer[:2], buffer[2:4]}}}
		if n, err := b.ReadMsgs(ms, 0); n != 1 || err != nil || string(buffer[:ms[0].N]) != "hell" || ms[0].Flags&unix.MSG_TRUNC == 0 {
			t.Fatalf("%d, %v, %q, flags %#x", n, err, buffer[:ms[0].N], ms[0].Flags)
		}
	}
	if err := a.Connect(to); err != nil {
		t.Fatal(err)
	}
	if err := a.SendTo(nil, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	if n, _, _, err := b.ReadMsg(make([]byte, 10), nil, new(kernel.Packet)); n != 0 || err != nil {
		t.Fatalf("%d, %v, want an empty datagram", n, err)
	}
}

// sandbox refuses recvmsg and sendmsg on every thread (seccomp(2)).
func sandbox(t *testing.T) {
	t.Helper()
	no := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_RECVMSG, Jf: 1}, no,
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SENDMSG, Jf: 1}, no,
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("seccomp: ", err)
	}
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p))); errno != 0 {
		t.Skip("seccomp: ", errno)
	}
}
