//go:build linux

package linux_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"example.com/dgram/internal/kernel"
)

// port returns the port of c, or 0 if the kernel does not say.
func port(c kernel.Conn) uint16 {
	a, _ := c.LocalAddr()
	return a.Port()
}

// exercise sends in every way and reads in every way, and expects each datagram
// once, unchanged and without a long wait.
func exercise(t *testing.T, a, b kernel.Conn, host string, cfg kernel.Config) {
	t.Helper()
	if port(b) == 0 {
		return // package udp refuses a socket whose address is unknown
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
		if err == kernel.ErrPending { // what fails once is an earlier datagram's error
			if _, ok := a.NextRefusal(); !ok {
				t.Error("SendBatch says that an error is pending, and there is none")
			}
			err = nil
		}
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
	_ = b.SetOffload(false) // the queue is emptied first, or the next reads would return a burst in one piece
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
	for begun := time.Now(); !b.Queued() && time.Since(begun) < time.Second; { // before Linux 6.4 it may be on its way
		runtime.Gosched()
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
