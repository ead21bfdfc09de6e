package main

import (
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMessagesArePrintedAndCounted(t *testing.T) {
	p, address := collecting(t)
	send(t, address, "<27>1 2026-01-02T03:04:05Z db1 backup 77 - - the disk is full")
	p.Expect(`^127\.0\.0\.1 daemon\.err db1 backup the disk is full$`)
	send(t, address, "<38>Jan  2 03:04:05 web1 sshd[12]: hello")
	p.Expect(`^127\.0\.0\.1 auth\.info web1 sshd hello$`)
	p.Stop()
	p.Expect(`^ +2 from 127\.0\.0\.1, 1 of them errors$`)
	p.Expect(`^ +2 in all, 0 lost$`)
}

func TestLessSevereIsCountedAndNotPrinted(t *testing.T) {
	p, address := collecting(t, "-min", "err")
	send(t, address, "<30>app: all is well") // daemon.info
	send(t, address, "<27>app: all is lost") // daemon.err
	p.Expect("all is lost")
	p.Stop()
	if strings.Contains(p.Output(), "all is well") {
		t.Error("printed what was not asked for")
	}
	p.Expect(`2 in all`)
}

func TestLiveLine(t *testing.T) {
	p, address := collecting(t, "-live")
	send(t, address, "<27>app: hello")
	p.Expect("daemon.err app hello")
	p.Stop()
	p.Expect("1 messages from 1 sources, 0 lost")
}

func TestMessagesCannotCommandTheTerminal(t *testing.T) {
	p, address := collecting(t)
	send(t, address, "<27>app: \x1b[2Jgone\nroot: fine \u009b2J \xff")
	p.Expect(`daemon\.err app \.\[2Jgone\.root: fine \.2J \.$`)
}

func TestLogger(t *testing.T) {
	p, address := collecting(t)
	host, port, _ := net.SplitHostPort(address)
	logger, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger is not installed")
	}
	for _, format := range []string{"--rfc3164", "--rfc5424"} {
		cmd := exec.Command(logger, "-d", "-n", host, "-P", port, format, "-p", "local3.warning", "-t", "backup", "late again")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p.Expect(`^127\.0\.0\.1 local3\.warning \S+ backup late again$`)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text string
		want entry
	}{
		{"<0>1 - - - - - -", entry{}},
		{"<165>1 2003-10-11T22:14:15.003Z host app - ID47 [a@1 b=\"c \\\"]\"][d@1] \ufeffhello", entry{20, 5, "host", "app", "hello"}},
		{"<34>Oct 11 22:14:15 mymachine su: 'su root' failed", entry{4, 2, "mymachine", "su", "'su root' failed"}},
		{"<13>no header at all", entry{1, 5, "", "", "no header at all"}},
		{"no priority", entry{1, 5, "", "", "no priority"}},
		{"<192>too much", entry{1, 5, "", "", "<192>too much"}},
		{"<>", entry{1, 5, "", "", "<>"}},
		{"<-1>", entry{1, 5, "", "", "<-1>"}},
		{"<13>1 too short", entry{1, 5, "", "", "1 too short"}},
		{"<13>1 - - - - - [never closed", entry{1, 5, "", "", "1 - - - - - [never closed"}},
		{"<13>app: line\n\x00", entry{1, 5, "", "app", "line"}},
		{"", entry{1, 5, "", "", ""}},
	} {
		if got := parse([]byte(test.text)); got != test.want {
			t.Errorf("%q: got %+v, want %+v", test.text, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<165>1 - h a - - [x@1 y=\"z\"] m"))
	f.Add([]byte("<34>Oct 11 22:14:15 h su: m"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := parse(b)
		if e.severityName() == "" || e.facilityName() == "" {
			t.Errorf("%q has no name", b)
		}
		if text := printable(e.text()); strings.ContainsAny(text, "\x00\n\r\x1b\x7f") {
			t.Errorf("%q prints as %q", b, text)
		}
	})
}

func TestSourcesAreBounded(t *testing.T) {
	c := collector{out: io.Discard, limit: -1, sources: map[netip.Addr]*source{}}
	a := netip.MustParseAddr("192.0.2.1")
	for range maxSources + 10 {
		c.take(a, entry{severity: 3})
		a = a.Next()
	}
	if len(c.sources) != maxSources || c.others != 10 {
		t.Errorf("%d sources and %d others", len(c.sources), c.others)
	}
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-listen address", "-min bad")
}

// collecting starts a collector and returns its address.
func collecting(t *testing.T, args ...string) (*programtest.Program, string) {
	t.Helper()
	p := programtest.Start(t, run, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	return p, p.Expect(`^collecting at (\S+)$`)[1]
}

func send(t *testing.T, address, text string) {
	t.Helper()
	s, err := udp.Dial(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(t.Context(), []byte(text)); err != nil {
		t.Fatal(err)
	}
}
