package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

func TestDemoEndsByItself(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), "", &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"listening on 127.0.0.1:", "\nhello 1 came back after", "\nhello 5 came back after"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, &out)
		}
	}
}

func TestServerServesUntilInterrupted(t *testing.T) {
	server, address := serving(t)
	if err := ask(t.Context(), address, io.Discard); err != nil {
		t.Error(err)
	}
	server.Stop()
	server.Expect("^5 received, 5 sent back$")
}

// A datagram whose sender cannot be answered: its source port is 0.
func TestServerSurvivesAnAnswerThatCannotBeSent(t *testing.T) {
	lab := netlab.New(t)
	home, far := lab.Home(), lab.Host("far")
	lab.Link(home.Port("echo0", "10.7.0.1/24"), far.Port("eth0", "10.7.0.2/24"))
	mac, err := home.MAC("echo0")
	lab.Must(err)

	server, address := serving(t, "10.7.0.1:0")
	forged := netlab.Forgery{
		MAC:     mac,
		From:    netip.MustParseAddrPort("10.7.0.2:0"),
		To:      netip.MustParseAddrPort(address),
		Payload: []byte("forged"),
	}
	lab.Must(far.Inject("eth0", forged.Frame()))
	if err := ask(t.Context(), address, io.Discard); err != nil {
		t.Error(err)
	}
	server.Stop()
	server.Expect("^6 received, 5 sent back$")
}

func TestServerAnswersNetcat(t *testing.T) {
	_, address := serving(t)
	host, port, _ := net.SplitHostPort(address)
	if got := programtest.Ask(t, "hello", "nc", "-u", host, port); got != "hello" {
		t.Errorf("nc received %q", got)
	}
}

func TestServerAnswersSocat(t *testing.T) {
	_, address := serving(t)
	if got := programtest.Ask(t, "hello", "socat", "-", "UDP:"+address); got != "hello" {
		t.Errorf("socat received %q", got)
	}
}

func TestServerAnswersNode(t *testing.T) {
	_, address := serving(t)
	const script = `
		const [host, port] = process.argv[1].split(':')
		const s = require('dgram').createSocket('udp4')
		s.on('message', m => { console.log(m.toString()); s.close() })
		process.stdin.once('data', line => s.send(line.toString().trim(), port, host))`
	if got := programtest.Ask(t, "hello", "node", "-e", script, address); got != "hello" {
		t.Errorf("node received %q", got)
	}
}

func TestClientAsksNode(t *testing.T) {
	const script = `
		const s = require('dgram').createSocket('udp4')
		s.on('message', (m, from) => s.send(m, from.port, from.address))
		s.bind(0, '127.0.0.1', () => console.log(s.address().port))`
	lines, _ := programtest.Open(t, "node", "-e", script)
	var out strings.Builder
	if err := ask(t.Context(), "127.0.0.1:"+<-lines, &out); err != nil || !strings.Contains(out.String(), "hello 5 came back") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestSilenceIsAnError(t *testing.T) {
	silent, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address := silent.LocalAddr()
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-silent.Messages() // it has asked
		interrupt()
	}()
	if err := ask(ctx, address.String(), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	_, address := serving(t)
	if err := run(t.Context(), address, io.Discard); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

// serving starts a server, on loopback unless said otherwise, and returns its
// address.
func serving(t *testing.T, listen ...string) (*programtest.Program, string) {
	t.Helper()
	p := programtest.Start(t, func(ctx context.Context, args []string, stdout io.Writer) error {
		return run(ctx, args[0], stdout)
	}, append(listen, "127.0.0.1:0")...)
	return p, p.Expect(`^listening on (\S+)$`)[1]
}
