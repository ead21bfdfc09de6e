package main

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

func TestTheDemonstrationEndsByItself(t *testing.T) {
	var out bytes.Buffer
	if err := talk(t.Context(), &out, netip.MustParseAddrPort("239.77.77.77:7777"), ""); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 4 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

// Two members on two hosts, with two cables between them: a line comes once.
func TestALineIsReadOnceByTheOther(t *testing.T) {
	lab := netlab.New(t)
	home, far := lab.Home(), lab.Host("far")
	lab.Link(home.Port("chat0", "10.8.0.1/24"), far.Port("eth0", "10.8.0.2/24"))
	lab.Link(home.Port("chat1", "10.8.1.1/24"), far.Port("eth1", "10.8.1.2/24"))
	room := netip.MustParseAddrPort("239.77.77.77:7777")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	bob := netlab.On(far, func() (*member, error) { return enter(ctx, room, "", "bob") })
	defer bob.socket.Close()

	in, keyboard := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- chat(ctx, in, io.Discard, room, "", "ann") }()
	for _, line := range []string{"one", "two"} {
		if _, err := io.WriteString(keyboard, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"one", "two"} {
		for heard := false; !heard; {
			select {
			case msg := <-bob.socket.Messages():
				var line string
				if _, line, heard = bob.hear(msg); heard && line != want {
					t.Fatalf("heard %q, want %q", line, want)
				}
			case <-ctx.Done():
				t.Fatalf("heard nothing, want %q", want)
			}
		}
	}
	keyboard.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
