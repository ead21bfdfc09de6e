package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachClientHearsItsOwnAnswers(t *testing.T) {
	p, address := relaying(t, "127.0.0.1:0", echo(t))
	first, second := dial(t, address), dial(t, address)
	for i := range 3 {
		ask(t, first, fmt.Sprint("first ", i))
		ask(t, second, fmt.Sprint("second ", i))
	}
	p.Stop()
	p.Expect(`^2 sessions of 2 \(0 idle, 0 evicted\), up 6 datagrams 45 bytes, down 6 datagrams 45 bytes, 0 errors, 0 lost$`)
}

func TestIdleSessionEnds(t *testing.T) {
	p, address := relaying(t, "127.0.0.1:0", echo(t), "-idle", "3s", "-v") // a tenth of it for the first answer
	c := dial(t, address)
	ask(t, c, "hello")
	p.Expect("^session of 127.0.0.1:.* begins$")
	p.Expect("^session of 127.0.0.1:.* ends: session was idle$")
	ask(t, c, "hello again")
	p.Expect("^session of 127.0.0.1:.* begins$")
	p.Stop()
	p.Expect(`^1 sessions of 2 \(1 idle, 0 evicted\)`)
}

func TestSessionsAreBounded(t *testing.T) {
	p, address := relaying(t, "127.0.0.1:0", echo(t), "-sessions", "2")
	var clients []*udp.Socket
	for range 5 {
		c := dial(t, address)
		ask(t, c, "hello")
		clients = append(clients, c)
	}
	ask(t, clients[0], "hello again") // evicted, and welcome
	p.Stop()
	p.Expect(`^2 sessions of 6 \(0 idle, 4 evicted\)`)
}

func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has every address of 127.0.0.0/8")
	}
	_, address := relaying(t, "0.0.0.0:0", echo(t))
	_, port, _ := net.SplitHostPort(address)
	ask(t, dial(t, "127.0.0.5:"+port), "hello") // hears nobody else
}

func TestOtherSideThatRefusesIsCounted(t *testing.T) {
	gone, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.LocalAddr()
	gone.Close()

	p, address := relaying(t, "127.0.0.1:0", nobody.String(), "-v")
	c := dial(t, address)
	for range 2 { // the relay and the session live on
		if err := c.Send(t.Context(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
		p.Expect("^error: ")
	}
	p.Stop()
	p.Expect("^1 sessions of 1 .* [1-9][0-9]* errors")
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-to address", "", "-to :1 -sessions 0", "-to :1 -idle 0", "-to :1 something")
	if err := run(t.Context(), []string{"-listen", "127.0.0.1:0", "-to", "127.0.0.1:0"}, io.Discard); !errors.Is(err, udp.ErrBadPort) {
		t.Errorf("got %v", err)
	}
}

// echo is the other side.
func echo(t *testing.T) string {
	t.Helper()
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range s.Messages() {
			if err := s.Reply(context.Background(), m, m.Data); err != nil && s.Err() == nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	address := s.LocalAddr()
	return address.String()
}

// relaying starts a relay and returns its address.
func relaying(t *testing.T, listen, to string, args ...string) (*programtest.Program, string) {
	t.Helper()
	p := programtest.Start(t, run, append([]string{"-listen", listen, "-to", to}, args...)...)
	return p, p.Expect(`^relaying (\S+) to ` + to + "$")[1]
}

func dial(t *testing.T, address string) *udp.Socket {
	t.Helper()
	s, err := udp.Dial(context.Background(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask sends a question and expects it back.
func ask(t *testing.T, c *udp.Socket, question string) {
	t.Helper()
	if err := c.Send(t.Context(), []byte(question)); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-c.Messages():
		if string(m.Data) != question {
			t.Fatalf("asked %q, answered %q", question, m.Data)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("no answer to %q", question)
	}
}
