package udptest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// conversation is a run with everything that is random.
func conversation(t *testing.T, seed uint64) []byte {
	n := udptest.NewNetwork(t, udptest.Seed(seed))
	var capture bytes.Buffer
	ok(t, n.Capture(&capture))
	ha, hb, hc := n.Host("192.0.2.1/24", "2001:db8::1/64"), n.Host("192.0.2.2/24", "2001:db8::2/64"), n.Host("10.0.0.2/24")
	n.NAT("203.0.113.1", udptest.Symmetric, time.Minute, hc)
	n.Link(ha, hb, udptest.Latency(10*time.Millisecond), udptest.Jitter(30*time.Millisecond), udptest.Loss(0.2),
		udptest.Burst(0.02, 3), udptest.Duplicate(0.1), udptest.Reorder(0.1, 20*time.Millisecond), udptest.Corrupt(0.1),
		udptest.Rate(20000, 4000))
	a, b, c := listen(t, ha), listen(t, hb), listen(t, hc)
	ok(t, a.SetTOS(1))
	b.Messages()
	for i := range 300 {
		send(t, a, at(t, b), fmt.Sprintf("datagram %d", i))
		if i%10 == 0 {
			send(t, c, at(t, b), fmt.Sprintf("from inside %d", i))
		}
		time.Sleep(700 * time.Microsecond)
	}
	six, err := ha.Dial(t.Context(), "udp6", "[2001:db8::2]:9")
	ok(t, err)
	six.Messages()
	ok(t, six.Send(t.Context(), []byte("refused")))
	time.Sleep(time.Hour)
	ok(t, n.CaptureErr())
	return capture.Bytes()
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	var runs [3][]byte
	for i, seed := range []uint64{7, 7, 8} {
		bubble(t, func(t *testing.T) { runs[i] = conversation(t, seed) })
	}
	if !bytes.Equal(runs[0], runs[1]) {
		t.Error("two runs with one seed differ")
	}
	if bytes.Equal(runs[0], runs[2]) {
		t.Error("two seeds are one run")
	}
}

func TestTsharkReadsACapture(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	var capture []byte
	bubble(t, func(t *testing.T) { capture = conversation(t, 7) })
	file := filepath.Join(t.TempDir(), "capture.pcapng")
	ok(t, os.WriteFile(file, capture, 0o600))
	out, err := exec.Command(tshark, "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		"-T", "fields", "-e", "frame.interface_name", "-e", "_ws.malformed", "-e", "ip.checksum.status",
		"-e", "udp.checksum.status", "-e", "icmpv6.checksum.status", "-e", "frame.comment", "-e", "icmpv6.type").Output()
	ok(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 500 {
		t.Fatalf("%d packets", len(lines))
	}
	comments, reports := 0, 0
	for _, line := range lines {
		f := strings.Split(line, "\t")
		if f[1] != "" || strings.Contains(f[2]+f[3]+f[4], "0") {
			t.Fatalf("bad packet: %q", line)
		}
		if f[5] != "" {
			comments++
		}
		if f[6] == "1" {
			reports++
		}
	}
	if comments < 50 || reports != 2 {
		t.Errorf("%d comments and %d reports", comments, reports)
	}
}

// A writer that fails is reported, and the network goes on.
func TestCaptureErrIsTheWritersError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		fails(t, n.Capture(&limited{}), syscall.ENOSPC)
		fails(t, n.CaptureErr(), syscall.ENOSPC)

		n = udptest.NewNetwork(t)
		w := &limited{room: 200}
		ok(t, n.Capture(w))
		if n.Capture(w) == nil {
			t.Error("a second capture")
		}
		a, b := listen(t, n.Host()), listen(t, n.Host())
		for range 5 {
			send(t, a, at(t, b), "hello")
			hear(t, b, "hello")
		}
		fails(t, n.CaptureErr(), syscall.ENOSPC)
		same(t, "writes after the error", w.late, 0)
	})
}

// limited is a disk that is full at some time.
type limited struct{ room, late int }

func (w *limited) Write(b []byte) (int, error) {
	if w.room < 0 {
		w.late++
	}
	if w.room -= len(b); w.room < 0 {
		return 0, fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return len(b), nil
}

// A writer may use the network: no lock is held.
func TestACaptureMayUseTheNetwork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		w := &asking{n: n}
		ok(t, n.Capture(w))
		a, b := listen(t, n.Host()), listen(t, n.Host())
		send(t, a, at(t, b), "hello")
		hear(t, b, "hello")
		if w.calls == 0 {
			t.Error("nothing was captured")
		}
	})
}

type asking struct {
	n     *udptest.Network
	calls int
}

func (w *asking) Write(b []byte) (int, error) {
	w.calls++
	w.n.Totals()
	return len(b), nil
}

var _ = errors.Is
var _ udp.Option
