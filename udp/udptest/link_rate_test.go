package udptest_test

import (
	"bytes"
	"context"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
	"example.com/dgram/udp/udptest"
)

func TestRateAndQueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 500)}, udp.WithTimestamps())
		start := time.Now()
		for range 10 {
			send(t, a, at(t, b), string(make([]byte, 100)))
		}
		for i := range 5 {
			m := <-b.Messages()
			same(t, "arrival", m.Time.Sub(start), time.Duration(i+1)*100*time.Millisecond)
		}
		silence(t, b, time.Hour)
		same(t, "lost", conserved(t, n).Lost[udptest.QueueFull], 5)
	})
}

// A full send buffer makes a send wait, as a slow device does on Linux.
func TestRateFillsTheSendBuffer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 1<<30)}, udp.WithWriteBuffer(1))
		start := time.Now()
		for range 10 {
			send(t, a, at(t, b), string(make([]byte, 100)))
		}
		if took := time.Since(start); took < 300*time.Millisecond || took > time.Second {
			t.Errorf("ten sends took %v", took)
		}
		time.Sleep(time.Minute)
		same(t, "delivered", conserved(t, n).Delivered, 10)
	})
}

func TestAQueueMarksECN(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, tt := range []struct{ sent, marked int }{{0, 0}, {1, 3}, {2, 3}, {3, 3}, {0x28, 0x28}, {0x2a, 0x2b}} {
			_, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 1000)}, udp.WithReceiveTOS())
			ok(t, a.SetTOS(tt.sent))
			for range 10 {
				send(t, a, at(t, b), string(make([]byte, 100)))
			}
			first := <-b.Messages()
			same(t, "TOS of the first", int(first.TOS), tt.sent)
			var last udp.Message
			for range 9 {
				last = <-b.Messages()
			}
			same(t, "TOS of the last", int(last.TOS), tt.marked)
		}
	})
}

func TestMTU(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, a, b := two(t, []udptest.LinkOption{udptest.MTU(1000)}, udp.WithDontFragment())
		send(t, a, at(t, b), string(make([]byte, 972)))
		fails(t, a.SendTo(t.Context(), at(t, b), make([]byte, 973)), syscall.EMSGSIZE)
		hear(t, b, string(make([]byte, 972)))
		_, a, b = two(t, []udptest.LinkOption{udptest.MTU(1000)})
		send(t, a, at(t, b), string(make([]byte, 60000)))
		hear(t, b, string(make([]byte, 60000)))
		fails(t, a.SendTo(t.Context(), at(t, b), make([]byte, 65508)), syscall.EMSGSIZE)
	})
}

func TestFragmentsAreLostTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.MTU(1500), udptest.Loss(0.1)})
		for range 1000 {
			send(t, a, at(t, b), string(make([]byte, 14000))) // ten fragments: 35 % arrive
			for len(b.Messages()) > 0 {
				<-b.Messages()
			}
			synctest.Wait()
		}
		if lost := conserved(t, n).Lost[udptest.Lost]; lost < 580 || lost > 720 {
			t.Errorf("%d of 1000 lost", lost)
		}
	})
}

// A datagram that a full queue refuses with ENOBUFS is sent again. It has one fate
// and one number, whatever the number of attempts.
func TestARefusedAttemptIsNoSentDatagram(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 500)}, udp.WithICMPErrors())
		var capture bytes.Buffer
		ok(t, n.Capture(&capture))
		for range 10 {
			send(t, a, at(t, b), string(make([]byte, 100)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		fails(t, a.SendTo(ctx, at(t, b), make([]byte, 500)), context.DeadlineExceeded)
		time.Sleep(time.Minute)
		all := conserved(t, n)
		same(t, "sent", all.Sent, 10)
		same(t, "sent by the socket", a.Stats().Sent, 10)
		same(t, "delivered", all.Delivered, 10)
		number := uint64(0)
		for f := range n.Fates() {
			number++
			same(t, "number", f.Number, number)
			same(t, "outcome", f.Outcome, udptest.Delivered)
		}
		same(t, "queues in the capture that were full", bytes.Count(capture.Bytes(), []byte(udptest.QueueFull.String())), 0)
	})
}

// The sender's host took a broadcast datagram, though the queue to one receiver was
// full.
func TestAFullQueueLosesCopiesForGroups(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n, a, b := two(t, []udptest.LinkOption{udptest.Rate(1000, 500)}, udp.WithICMPErrors(), udp.WithBroadcast())
		to := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.255"), at(t, b).Port())
		for range 10 {
			send(t, a, to, string(make([]byte, 100)))
		}
		time.Sleep(time.Minute)
		same(t, "sent", conserved(t, n).Sent, 10)
		same(t, "lost", n.Totals().Lost[udptest.QueueFull], 5)
	})
}
