package kerneltest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func (s suite) TestReceiveAsksTheSinkInOrder(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	send(t, a, "1", Local(t, b))
	send(t, a, "2", Local(t, b))
	Check(t, b.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: false, more: true}
	r.deliver = func() { r.more = len(r.packets) < 2 }
	Check(t, b.Receive(&r, false))
	calls := slices.DeleteFunc(r.calls, func(call string) bool { return call == "idle" })
	if got := strings.Join(slices.Compact(calls), " "); got != "room deliver pending wait room deliver pending wait" {
		t.Errorf("calls: %s", got)
	}
}

// A sink may hold delivered packets back until the Conn is idle. The Conn has to
// call Idle before it waits for a datagram that may never come.
func (s suite) TestReceiveIsIdleBeforeItWaits(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	for _, text := range []string{"1", "2", "3"} {
		send(t, a, text, Local(t, b))
	}
	idle, ended := make(chan int, 100), make(chan error, 1)
	r := recorder{settled: true}
	r.idle = func() { idle <- len(r.packets) }
	go func() { ended <- b.Receive(&r, false) }()
	for timeout := time.After(patience); ; {
		select {
		case n := <-idle:
			if n < 3 {
				continue
			}
		case <-timeout:
			t.Error("Receive waits, and the sink has not heard of it")
		}
		break
	}
	Check(t, b.Close())
	if err := <-ended; err == nil {
		t.Error("a closed socket receives")
	}
}

func (s suite) TestABlockCanBeTaken(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	Check(t, b.SetReadDeadline(time.Now().Add(patience)))
	r := recorder{settled: true, take: true}
	big := bytes.Repeat([]byte("a"), 9000)
	for i := range 3 {
		big[0] = byte('0' + i)
		send(t, a, string(big), Local(t, b))
		Check(t, b.Receive(&r, true))
	}
	for i, p := range r.packets {
		if len(p.Data) != len(big) || p.Data[0] != byte('0'+i) {
			t.Errorf("packet %d: %d bytes, begins with %q", i, len(p.Data), p.Data[0])
		}
	}
}
