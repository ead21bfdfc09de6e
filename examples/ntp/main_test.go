package main

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemoFindsTheOffset(t *testing.T) {
	p := programtest.Start(t, run, "-ahead", "90s", "-n", "3")
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.Expect(`^offset \S+, delay \S+$`)
	}
	said := p.Expect(`^the server's clock is (\S+) ahead, give or take (\S+)$`)
	offset, within := duration(t, said[1]), duration(t, said[2])
	// Half the delay is as wrong as an exchange can be; a stamp is rounded.
	if off := (offset - 90*time.Second).Abs(); off > within+time.Microsecond {
		t.Errorf("offset %v, give or take %v, want 90s", offset, within)
	}
}

func TestServerServesUntilInterrupted(t *testing.T) {
	server := programtest.Start(t, run, "-listen", "127.0.0.1:0")
	address := server.Expect(`^serving the time at (\S+)$`)[1]
	client := programtest.Start(t, run, "-query", address, "-n", "2", "-every", "1ms")
	if err := client.Wait(); err != nil {
		t.Error(err)
	}
	client.Expect("^the server's clock is ")
	server.Stop()
}

func TestServerAnswersQuestionsAlone(t *testing.T) {
	server := programtest.Start(t, run, "-listen", "127.0.0.1:0")
	c, err := udp.Dial(t.Context(), "udp", server.Expect(`^serving the time at (\S+)$`)[1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := question()
	ours := question().answer(time.Now())
	for _, b := range [][]byte{nil, []byte("what time is it?"), ours.encode(), q.encode()} {
		if err := c.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	m := <-c.Messages()
	if a, ok := decode(m.Data); !ok || !a.answers(q) {
		t.Errorf("the first answer is %+v", a)
	}
}

func TestClientTakesTheAnswerToItsQuestionAlone(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	p := programtest.Start(t, run, "-query", address.String(), "-n", "1", "-wait", "30s")
	m := <-s.Messages()
	q, _ := decode(m.Data)
	forged := question().answer(time.Now().Add(-time.Hour))
	forged.transmitted = stamp(time.Now().Add(-time.Hour))
	right := q.answer(time.Now().Add(time.Hour))
	right.transmitted = right.received
	for _, a := range []packet{forged, right} {
		if err := s.Reply(t.Context(), m, a.encode()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	p.Expect("^the server's clock is (59m59|1h0m0).* ahead")
}

func TestServerThatDoesNotKnow(t *testing.T) {
	now := time.Now()
	for _, a := range []packet{
		{mode: server, stratum: 0, reference: [4]byte{'R', 'A', 'T', 'E'}, transmitted: stamp(now)},
		{mode: server, stratum: 2, leap: 3, transmitted: stamp(now)},
		{mode: server, stratum: 16, transmitted: stamp(now)},
		{mode: server, stratum: 1},
	} {
		if s, err := a.sample(now, now); err == nil {
			t.Errorf("%+v gives %+v", a, s)
		}
	}
}

func TestSilentServerIsAnError(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	p := programtest.Start(t, run, "-query", address.String(), "-n", "2", "-every", "0", "-wait", "1ms")
	if err := p.Wait(); err == nil {
		t.Error("no error")
	}
	p.Expect("^no answer$")
}

func TestStampsSurviveTheYear2036(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 5, 4, 3, 2, 1, 123456789, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 15, 999999999, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC),
		time.Date(2050, 1, 1, 0, 0, 0, 1, time.UTC),
	} {
		if got := unstamp(stamp(at)); got.Sub(at).Abs() > time.Nanosecond {
			t.Errorf("%v comes back as %v", at, got.UTC())
		}
	}
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-query address", "-n 0", "-listen :0 -query :1")
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
