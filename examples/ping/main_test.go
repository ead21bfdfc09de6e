package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/examples/internal/programtest"
	"example.com/dgram/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemoMeasuresBothWays(t *testing.T) {
	p := programtest.Start(t, run, "-n", "20", "-every", "10us", "-wait", "30s")
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"send", "outbox"} {
		p.Expect("over " + way + "$")
		p.Expect(`^20 sent, 20 back, 0 lost \(0\.0 %\), 0 twice, 0 refused$`)
		p.Expect(`^least \S+, median \S+, 99 % \S+, most \S+, jitter \S+$`)
		p.Expect(`^ +< \S+ +\d+ #+$`)
	}
}

func TestLossIsCounted(t *testing.T) {
	p := programtest.Start(t, run, "-n", "20", "-every", "10us", "-drop", "4", "-over", "send", "-wait", "1s")
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	p.Expect(`^20 sent, 15 back, 5 lost \(25\.0 %\), 0 twice, 0 refused$`)
}

func TestNoAnswersAreAnError(t *testing.T) {
	p := programtest.Start(t, run, "-n", "3", "-every", "10us", "-drop", "1", "-wait", "1ms")
	if err := p.Wait(); err == nil || err.Error() != "no answers" {
		t.Errorf("got %v", err)
	}
	p.Expect(`^3 sent, 0 back, 3 lost \(100\.0 %\)`)
}

func TestInterruptedItReportsWhatThereIs(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	p := programtest.Start(t, run, "-to", address.String(), "-every", "1h", "-over", "send")
	p.Expect("over send$")
	p.Stop()
	p.Expect(`^0 sent, 0 back, 0 lost \(0\.0 %\)`)
}

func TestDuplicatesAndForgeriesAreNotAnswers(t *testing.T) {
	s, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	address := s.LocalAddr()
	p := programtest.Start(t, run, "-to", address.String(), "-n", "2", "-every", "1ms", "-over", "send", "-wait", "30s")
	m := <-s.Messages()
	forged := bytes.Clone(m.Data)
	forged[0]++
	for _, b := range [][]byte{forged, m.Data, m.Data, m.Data[:8], nil} {
		if err := s.Reply(t.Context(), m, b); err != nil {
			t.Fatal(err)
		}
	}
	m = <-s.Messages()
	if err := s.Reply(t.Context(), m, m.Data); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	p.Expect(`^2 sent, 2 back, 0 lost \(0\.0 %\), 1 twice, 0 refused$`)
}

func TestReport(t *testing.T) {
	var r report
	r.sent = 5
	r.out = map[uint64]time.Time{}
	start := time.Now()
	for i, trip := range []int{3, 3, 100, 19} {
		r.out[uint64(i)] = start
		r.came(uint64(i), start.Add(time.Duration(trip)*time.Microsecond))
	}
	var out strings.Builder
	r.print(&out)
	want := `5 sent, 4 back, 1 lost (20.0 %), 0 twice, 0 refused
least 3µs, median 3µs, 99 % 19µs, most 100µs, jitter 10.7µs
     < 4µs      2 ##################################################
     < 8µs      0 
    < 16µs      0 
    < 32µs      1 #########################
    < 64µs      0 
   < 128µs      1 #########################
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestCommandLine(t *testing.T) {
	programtest.RejectsBadFlags(t, run, "-every time", "-over pigeon", "-n 0", "-every 0", "-size 15", "-size 70000")
}
