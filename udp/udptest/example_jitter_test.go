package udptest_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

// play receives frames that are sent every 20 ms, holds them for delay, and hands
// them to the ear in order and in time. A frame that is late is skipped.
func play(s *udp.Socket, delay time.Duration, frames int, ear func(frame int, heard bool)) {
	waiting := map[int]bool{}
	m := <-s.Messages()
	first := int(binary.BigEndian.Uint32(m.Data))
	waiting[first] = true
	start := time.Now().Add(delay)
	for next := first; next < frames; next++ {
		due := time.NewTimer(time.Until(start.Add(time.Duration(next-first) * 20 * time.Millisecond)))
		for playing := false; !playing; {
			select {
			case m := <-s.Messages():
				waiting[int(binary.BigEndian.Uint32(m.Data))] = true
			case <-due.C:
				playing = true
			}
		}
		ear(next, waiting[next])
		delete(waiting, next)
	}
}

// A jitter buffer of 60 ms makes up for 10 ms of jitter and for frames that come
// 45 ms late; one of 20 ms does not.
func testPlay(t *testing.T) {
	gaps := func(t *testing.T, delay time.Duration) (gaps int) {
		n := udptest.NewNetwork(t, udptest.Seed(3))
		phone, ear := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(phone, ear, udptest.Latency(50*time.Millisecond), udptest.Jitter(10*time.Millisecond),
			udptest.Reorder(0.1, 45*time.Millisecond))
		s, err := ear.Listen(t.Context(), "udp4", ":7")
		if err != nil {
			t.Fatal(err)
		}
		c, err := phone.Dial(t.Context(), "udp4", "192.0.2.2:7")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for frame := range uint32(500) {
				c.Send(t.Context(), binary.BigEndian.AppendUint32(nil, frame))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		play(s, delay, 500, func(_ int, heard bool) {
			if !heard {
				gaps++
			}
		})
		return gaps
	}
	synctest.Test(t, func(t *testing.T) {
		if got := gaps(t, 60*time.Millisecond); got != 0 {
			t.Errorf("60 ms: %d gaps", got)
		}
		if got := gaps(t, 20*time.Millisecond); got < 10 {
			t.Errorf("20 ms: %d gaps", got)
		}
	})
}

func Example_jitterBuffer() {
	run(testPlay)
	// Output: PASS
}
