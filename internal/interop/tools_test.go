package interop

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/dgram/udp"
)

// example builds one of the module's examples and starts it. It returns the
// address that it says it serves at.
func example(t *testing.T, name string) (*process, netip.AddrPort) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	run(t, program(t, "go"), "build", "-o", bin, "example.com/dgram/examples/"+name)
	p := start(t, exec.Command(bin, "-listen", "127.0.0.1:0"))
	return p, netip.MustParseAddrPort(p.expect(` at (127\.\S+)$`)[1])
}

func TestSocatHearsOurEcho(t *testing.T) {
	for _, c := range []struct{ network, address, kind string }{{"udp4", "127.0.0.1:0", "UDP4"}, {"udp6", "[::1]:0", "UDP6"}} {
		path := program(t, "socat")
		to := echoing(t, c.network, c.address)
		p := start(t, exec.Command(path, "-", c.kind+":"+to.String()))
		for _, line := range []string{"hello", "and again"} {
			p.say(line)
			p.expect("^" + line + "$")
		}
	}
}

func TestSocatEchoesToUs(t *testing.T) {
	path := program(t, "socat")
	to := free(t)
	start(t, exec.Command(path, fmt.Sprintf("UDP4-RECVFROM:%d,bind=127.0.0.1,fork", to.Port()), "EXEC:cat"))
	s := listen(t, "udp4", "127.0.0.1:0")
	if m := ask(t, s, to, []byte("hello")); string(m.Data) != "hello" || m.From != to {
		t.Errorf("%q from %v", m.Data, m.From)
	}
}

func TestSocatsTypeOfServiceArrives(t *testing.T) {
	path := program(t, "socat")
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReceiveTOS(), udp.WithTimestamps())
	p := start(t, exec.Command(path, "-u", "-", fmt.Sprintf("UDP4-SENDTO:%v,tos=0xb8", local(t, s))))
	p.say("expedited")
	if m := receive(t, s, "expedited\n"); m.TOS != 0xb8 || m.Time.IsZero() {
		t.Errorf("type of service %#x at %v", m.TOS, m.Time)
	}
}

func TestNcatHearsOurEcho(t *testing.T) {
	path := program(t, "ncat")
	to := echoing(t, "udp4", "127.0.0.1:0")
	p := start(t, exec.Command(path, "-u", "127.0.0.1", fmt.Sprint(to.Port())))
	p.say("hello")
	p.expect("^hello$")
}

func TestNcatEchoesToUs(t *testing.T) {
	path := program(t, "ncat")
	to := free(t)
	start(t, exec.Command(path, "-u", "-l", "127.0.0.1", fmt.Sprint(to.Port()), "-e", "/bin/cat"))
	s := listen(t, "udp4", "127.0.0.1:0")
	if m := ask(t, s, to, []byte("hello\n")); !strings.HasPrefix(string(m.Data), "hello\n") || m.From != to {
		t.Errorf("%q from %v", m.Data, m.From)
	}
}

func TestDigAsksOurServer(t *testing.T) {
	dig := program(t, "dig")
	_, to := example(t, "dns")
	server := []string{"@" + to.Addr().String(), "-p", fmt.Sprint(to.Port()), "+tries=1", "+timeout=10"}
	for _, c := range []struct{ args, want string }{
		{"www.example.test A", "192.0.2.80"},
		{"www.example.test AAAA", "2001:db8::80"},
		{"example.test TXT", `"hello"`},
		{"www.example.test A +noedns", "status: NOERROR"},
		{"nobody.example.test A", "status: NXDOMAIN"},
		{"elsewhere.test A", "status: REFUSED"},
	} {
		out := run(t, dig, append(server, strings.Fields(c.args)...)...)
		if !strings.Contains(out, c.want) || strings.Contains(out, "malformed") {
			t.Errorf("%s: no %s in\n%s", c.args, c.want, out)
		}
	}
}

// dig goes through miekg/dns on a view as through any server, larger answers
// included.
func TestDigAsksMiekgOnOurView(t *testing.T) {
	dig := program(t, "dig")
	s := listen(t, "udp4", "127.0.0.1:0")
	server := serveDNS(t, s.PacketConn())
	defer server.shutdown(t)
	out := run(t, dig, "@127.0.0.1", "-p", fmt.Sprint(local(t, s).Port()), "+bufsize=4096", "+ignore", "long.example", "TXT")
	if !strings.Contains(out, "status: NOERROR") || strings.Contains(out, " tc ") || strings.Count(out, strings.Repeat("0", 200)) != 15 {
		t.Error(out)
	}
}

func TestLoggerLogsToOurCollector(t *testing.T) {
	logger := program(t, "logger")
	p, to := example(t, "syslog")
	for _, format := range []string{"--rfc3164", "--rfc5424"} {
		run(t, logger, "-d", "-n", to.Addr().String(), "-P", fmt.Sprint(to.Port()), format, "-p", "local3.warning", "-t", "backup", "late again")
		p.expect(`^127\.0\.0\.1 local3\.warning \S+ backup late again$`)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.ends()
}

// A minimal CoAP server (RFC 7252): it answers confirmable requests in their
// acknowledgement, with the path that was asked for.
func serveCoAP(s *udp.Socket) error {
	for m := range s.Messages() {
		q := m.Data
		if len(q) < 4 || q[0]>>6 != 1 || len(q) < 4+int(q[0]&15) {
			continue
		}
		token := q[4 : 4+q[0]&15]
		answer := append([]byte{1<<6 | 2<<4 | q[0]&15, 2<<5 | 5, q[2], q[3]}, token...)
		answer = append(answer, 0xff)
		answer = append(append(answer, "you asked for"...), paths(q[4+len(token):])...)
		if err := s.Reply(context.Background(), m, answer); err != nil {
			return err
		}
	}
	return s.Err()
}

// paths joins the options that are parts of a path (number 11). Others in the
// tests' requests are no longer than 12 bytes either.
func paths(options []byte) (path string) {
	number := 0
	for len(options) > 0 && options[0] != 0xff {
		delta, n := int(options[0]>>4), int(options[0]&15)
		options = options[1:]
		if delta == 13 && len(options) > 0 {
			delta, options = 13+int(options[0]), options[1:]
		}
		if delta > 255+13 || n > len(options) || n > 12 {
			return "?"
		}
		if number += delta; number == 11 {
			path += "/" + string(options[:n])
		}
		options = options[n:]
	}
	return path
}

func TestCoAPClientAsksUs(t *testing.T) {
	path := program(t, "coap-client", "coap-client-notls")
	for _, c := range []struct{ network, address string }{{"udp4", "127.0.0.1:0"}, {"udp6", "[::1]:0"}, {"udp", ":0"}} {
		s := listen(t, c.network, c.address)
		done := later(func() error { return serveCoAP(s) })
		out := run(t, path, "-B", "20", "-m", "get", fmt.Sprintf("coap://%v/sensors/kitchen", local(t, s)))
		if !strings.Contains(out, "you asked for/sensors/kitchen") {
			t.Errorf("%s: %q", c.network, out)
		}
		s.Close()
		fine(t, "the server's end", done)
	}
}

func TestWeAskACoAPServer(t *testing.T) {
	path := program(t, "coap-server", "coap-server-notls")
	to := free(t)
	start(t, exec.Command(path, "-A", "127.0.0.1", "-p", fmt.Sprint(to.Port())))
	s := listen(t, "udp4", "127.0.0.1:0")
	// Confirmable GET of / with a token of two bytes.
	question := binary.BigEndian.AppendUint16([]byte{1<<6 | 2, 1, 0x12, 0x34}, 0xbeef)
	m := ask(t, s, to, question)
	if len(m.Data) < 7 || m.Data[1] != 2<<5|5 || binary.BigEndian.Uint16(m.Data[4:]) != 0xbeef || m.From != to {
		t.Errorf("% x from %v", m.Data, m.From)
	}
}

// systemd starts the program when the first datagram is there, and hands the
// socket over with the datagram in it.
func TestSystemdActivatesUs(t *testing.T) {
	path := program(t, "systemd-socket-activate", "/lib/systemd/systemd-socket-activate")
	self := must[string](t)(os.Executable())
	for _, c := range []struct{ network, host string }{{"udp4", "127.0.0.1"}, {"udp6", "::1"}} {
		to := netip.AddrPortFrom(netip.MustParseAddr(c.host), free(t).Port())
		p := start(t, exec.Command(path, "-d", "-l", to.String(), "--fdname=echo", "-E", childEnv+"=1", self))
		s := listen(t, c.network, net.JoinHostPort(c.host, "0"))
		if m := ask(t, s, to, []byte("wake up")); string(m.Data) != "wake up" || m.From != to {
			t.Errorf("%q from %v", m.Data, m.From)
		}
		p.expect(`child echoes at ` + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(to.String()) + " echo")
		if err := s.SendTo(context.Background(), to, []byte("bye")); err != nil {
			t.Fatal(err)
		}
		<-p.exited // it becomes the child, which ends
	}
}
