package main

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPlayersPlay(t *testing.T) {
	p := programtest.Start(t, run, "-players", "20", "-for", "0")
	p.Expect("^listening on 127.0.0.1:")
	p.Expect(`^step \d+: 20 players, `)
	p.Stop()
	p.Expect(`^20 players joined, 0 left, [1-9]\d* moves taken`)
}

func TestSilentPlayerIsOut(t *testing.T) {
	p := programtest.Start(t, run, "-players", "0", "-for", "0")
	address := p.Expect(`^listening on (\S+)$`)[1]
	s, err := udp.Dial(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(t.Context(), []byte{1, 1}); err != nil {
		t.Fatal(err)
	}
	if m := <-s.Messages(); len(m.Data) < 4 {
		t.Errorf("the world has %d bytes", len(m.Data))
	}
	p.Expect(`^step \d+: 1 players, `)
	p.Expect(`^step \d+: 0 players, `) // after five seconds of silence
	p.Stop()
	p.Expect(`^1 players joined, 1 left, 1 moves taken`)
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-players number", "-players -1", "-for -1s", "something")
}
