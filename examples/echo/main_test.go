package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemoEndsByItself(t *testing.T) {
	p := program.Start(t, run, "-n", "3")
	for _, line := range []string{"^hello 1 came back after", "^hello 2 came back after", "^hello 3 came back after"} {
		p.Expect(line)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestServerServesUntilInterrupted(t *testing.T) {
	server, address := serving(t)
	client := program.Start(t, run, "-dial", address, "-n", "2")
	client.Expect("^hello 2 came back")
	if err := client.Wait(); err != nil {
		t.Error(err)
	}
	server.Stop()
	server.Expect("^2 datagrams received, 2 sent back, 0 failed$")
}

func TestServerAnswersNetcat(t *testing.T) {
	_, address := serving(t)
	host, port, _ := net.SplitHostPort(address)
	if got := program.Ask(t, "hello", "nc", "-u", host, port); got != "hello" {
		t.Errorf("nc received %q", got)
	}
}

func TestServerAnswersSocat(t *testing.T) {
	_, address := serving(t)
	if got := program.Ask(t, "hello", "socat", "-", "UDP:"+address); got != "hello" {
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
	if got := program.Ask(t, "hello", "node", "-e", script, address); got != "hello" {
		t.Errorf("node received %q", got)
	}
}

func TestClientAsksNode(t *testing.T) {
	const script = `
		const s = require('dgram').createSocket('udp4')
		s.on('message', (m, from) => s.send(m, from.port, from.address))
		s.bind(0, '127.0.0.1', () => console.log(s.address().port))`
	lines, _ := program.Open(t, "node", "-e", script)
	p := program.Start(t, run, "-dial", "127.0.0.1:"+<-lines)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	p.Expect("^hello 5 came back")
}

func TestInterruptedClientEnds(t *testing.T) {
	silent, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, _ := silent.LocalAddr()
	p := program.Start(t, run, "-dial", address.String(), "-wait", "1h")
	<-silent.Messages() // it has asked
	p.Stop()
}

func TestLostAnswersAreAnError(t *testing.T) {
	silent, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, _ := silent.LocalAddr()
	p := program.Start(t, run, "-dial", address.String(), "-n", "2", "-wait", "1ms")
	if err := p.Wait(); err == nil || err.Error() != "2 of 2 are lost" {
		t.Errorf("got %v", err)
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	_, address := serving(t)
	if err := run(t.Context(), []string{"-listen", address}, io.Discard); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	var help bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	if !strings.Contains(help.String(), "-listen address") {
		t.Errorf("-h prints %q", &help)
	}
	for _, args := range []string{"-bogus", "-listen :0 -dial :1", "something"} {
		if err := run(t.Context(), strings.Fields(args), io.Discard); !errors.As(err, new(usageError)) {
			t.Errorf("%s: %v", args, err)
		}
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(done, nil, io.Discard); err != nil {
		t.Errorf("interrupted before it began: %v", err)
	}
}

// serving starts a server and returns its address.
func serving(t *testing.T) (*program.Program, string) {
	t.Helper()
	p := program.Start(t, run, "-listen", "127.0.0.1:0")
	return p, p.Expect(`^listening on (\S+)$`)[1]
}
