package udp_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

// A soft error of the kernel's goes to Errors, and the socket reads on.
//
// Upstream: parallel/test-dgram-recv-error.js
func TestReaderSurvivesSoftErrors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.ENOBUFS, syscall.EPERM, syscall.ECONNREFUSED, syscall.EHOSTUNREACH} {
		t.Run(errno.Error(), func(t *testing.T) {
			leakless(t)
			s, err := udp.ListenOn(t.Context(), deaf(call("recvmsg", errno)), "udp4", "127.0.0.1:0")
			mine(t, s, err)
			s.Messages()
			news, _ := take(t, "error", s.Errors())
			fails(t, news, errno)
			shaped(t, news, "read", "recvmsg")
			send(t, s, at(t, s), "still here")
			expect(t, s, "still here")
			empty(t, "errors", s.Errors())
			same(t, "errors", s.Stats().Errors, 1)
			ok(t, s.Err())
		})
	}
}

// The same, pulled: All yields it and goes on.
//
// Upstream: parallel/test-dgram-recv-error.js
func TestLoopSurvivesSoftErrors(t *testing.T) {
	leakless(t)
	s, err := udp.ListenOn(t.Context(), deaf(call("recvmsg", syscall.ENOMEM)), "udp4", "127.0.0.1:0")
	mine(t, s, err)
	send(t, s, at(t, s), "still here")
	var got []string
	for m, err := range s.All(t.Context()) {
		if err != nil {
			fails(t, err, syscall.ENOMEM)
			got = append(got, "error")
			continue
		}
		got = append(got, string(m.Data))
		break
	}
	same(t, "yielded", fmt.Sprint(got), "[error still here]")
	empty(t, "errors", s.Errors())
}

// An error that repeats is one line until it is read, and is counted each
// time.
func TestEqualErrorsAreQueuedOnce(t *testing.T) {
	leakless(t)
	refusal := call("recvmsg", syscall.ECONNREFUSED)
	s, err := udp.ListenOn(t.Context(), deaf(refusal, refusal, refusal, call("recvmsg", syscall.EHOSTUNREACH), refusal), "udp4", "127.0.0.1:0")
	mine(t, s, err)
	s.Messages()
	eventually(t, "all are seen", func() bool { return s.Stats().Errors == 5 })
	for _, want := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ECONNREFUSED} {
		err, _ := take(t, "error", s.Errors())
		fails(t, err, want)
	}
	empty(t, "errors", s.Errors())
	same(t, "ErrorsDropped", s.Stats().ErrorsDropped, 0)
}

// Errors that nobody reads hold nobody up, and are counted.
func TestErrorsMayBeIgnored(t *testing.T) {
	for _, buffer := range []int{0, 1, 4} {
		t.Run(fmt.Sprint(buffer), func(t *testing.T) {
			f := families()[0]
			s := listen(t, f.network, f.local(), udp.WithErrorBuffer(buffer))
			const n = 20
			for i := range n {
				s.Outbox() <- udp.Datagram{To: netip.AddrPortFrom(f.loopback, 0), Data: make([]byte, i)}
			}
			ok(t, s.Flush(t.Context()))
			st := s.Stats()
			same(t, "Errors", st.Errors, n)
			same(t, "ErrorsDropped", st.ErrorsDropped, uint64(n-buffer))
			same(t, "SendDropped", st.SendDropped, n)
			send(t, s, at(t, s), "x")
			expect(t, s, "x")
			ok(t, s.Close())
			same(t, "errors", len(drained(t, "errors", s.Errors())), buffer)
		})
	}
}

// Upstream: parallel/test-dgram-send-error.js
func TestSendErrorGoesToTheCaller(t *testing.T) {
	to := netip.MustParseAddrPort("127.0.0.1:9")
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EINVAL, syscall.ENOMEM, syscall.EIO} {
		t.Run(errno.Error(), func(t *testing.T) {
			leakless(t)
			healthy := false
			system := mute(func(*kernel.Datagram) error {
				if healthy {
					return nil
				}
				return call("sendmsg", errno)
			})
			s, err := udp.NewOn(system, "udp4")
			mine(t, s, err)
			err = s.SendTo(t.Context(), to, []byte("x"))
			fails(t, err, errno)
			shaped(t, err, "send", to.String())
			var op *net.OpError
			if errors.As(err, &op); op.Addr == nil || op.Addr.String() != to.String() || op.Net != "udp4" {
				t.Errorf("%#v", op)
			}
			n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
			fails(t, err, errno)
			same(t, "sent", n, 0)
			empty(t, "errors", s.Errors())
			st := s.Stats()
			same(t, "Sent", st.Sent, 0)
			same(t, "Errors", st.Errors, 0)

			healthy = true
			send(t, s, to, "x")
			same(t, "Sent", s.Stats().Sent, 1)
		})
	}
}

// A refusal that surfaces in a send is an earlier datagram's: this one is sent
// again, and the news is on Errors.
func TestRefusalInASendIsNews(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	left := 0
	system := mute(func(*kernel.Datagram) error {
		if left > 0 {
			left--
			return call("sendmsg", syscall.ECONNREFUSED)
		}
		return nil
	})
	s, err := udp.DialOn(t.Context(), system, f.network, of(peer).String())
	mine(t, s, err)
	for _, refusals := range []int{1, 2, 3} {
		for name, send := range map[string]func() error{
			"Send":      func() error { return s.Send(t.Context(), []byte("x")) },
			"SendBatch": func() error { _, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("x")}}); return err },
			"Outbox":    func() error { s.Outbox() <- udp.Datagram{Data: []byte("x")}; return s.Flush(t.Context()) },
			"Write":     func() error { _, err := s.PacketConn().Write([]byte("x")); return err },
		} {
			left = refusals
			before := s.Stats()
			if err := send(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			hear(t, peer, "x")
			news, _ := take(t, "refusal", s.Errors())
			fails(t, news, syscall.ECONNREFUSED)
			shaped(t, news, "read", of(peer).String())
			empty(t, "errors", s.Errors())
			after := s.Stats()
			same(t, name+": Sent", after.Sent-before.Sent, 1)
			same(t, name+": Errors", after.Errors-before.Errors, uint64(refusals))
			same(t, name+": SendDropped", after.SendDropped, 0)
		}
	}
}

// ENOBUFS, a full device queue, is waited for: nothing is lost, order is kept.
func TestFullDeviceQueueIsWaitedFor(t *testing.T) {
	f := families()[0]
	peer := std(t, f)
	left := 0
	system := mute(func(*kernel.Datagram) error {
		if left > 0 {
			left--
			return call("sendmsg", syscall.ENOBUFS)
		}
		return nil
	})
	s, err := udp.DialOn(t.Context(), system, f.network, of(peer).String())
	mine(t, s, err)
	for range 3 {
		left = 1
		ok(t, s.Send(t.Context(), []byte("a")))
		left = 1
		n, err := s.SendBatch(t.Context(), []udp.Datagram{{Data: []byte("b")}, {Data: []byte("c")}})
		ok(t, err)
		same(t, "sent", n, 2)
		hear(t, peer, "a", "b", "c")
	}
	empty(t, "errors", s.Errors())
	same(t, "Sent", s.Stats().Sent, 9)
}

func TestErrorsSayWhatTheyAre(t *testing.T) {
	for err, target := range map[error]error{
		udp.ErrNotBound:         syscall.EBADF,
		udp.ErrNotConnected:     syscall.ENOTCONN,
		udp.ErrAlreadyConnected: syscall.EISCONN,
	} {
		fails(t, err, err, target)
		fails(t, fmt.Errorf("wrapped: %w", err), err, target)
	}
	all := []error{udp.ErrNotBound, udp.ErrAlreadyBound, udp.ErrNotConnected, udp.ErrAlreadyConnected,
		udp.ErrBadPort, udp.ErrBlocked, udp.ErrAddressFamily, udp.ErrNotUDP, udp.ErrReading}
	for i, a := range all {
		for k, b := range all {
			same(t, fmt.Sprint(a, " is ", b), errors.Is(a, b), i == k)
		}
		if a.Error() == "" {
			t.Error("an error without words")
		}
	}
	to := netip.MustParseAddrPort("127.0.0.1:9")
	failed := &udp.SendError{To: to, Bytes: 5, Err: syscall.EPERM}
	fails(t, failed, syscall.EPERM)
	same(t, "text", failed.Error(), "datagram of 5 bytes to 127.0.0.1:9 not sent: operation not permitted")
	same(t, "text", (&udp.OverflowError{Dropped: 7}).Error(), "receiver is slow: 7 datagrams dropped")
}

// One OverflowError an episode, never one a datagram; their sum is the drops.
func TestOverflowIsReportedByTheEpisode(t *testing.T) {
	for _, policy := range []udp.Overflow{udp.OverflowDropNewest, udp.OverflowDropOldest} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			f := families()[0]
			s := listen(t, f.network, f.local(), udp.WithOverflow(policy), udp.WithMessageBuffer(4), udp.WithReadBuffer(1<<20))
			s.Messages()
			from := std(t, f)
			began := time.Now()
			const n = 500
			for range n {
				tell(t, from, at(t, s), "x")
			}
			total := func() uint64 {
				st := s.Stats()
				return st.Received + st.Waiting + st.DroppedOverflow + st.DroppedKernel
			}
			eventually(t, "all have come", func() bool { return total() == n })
			for range 4 {
				next(t, s)
			}
			tell(t, from, at(t, s), "fits")
			expect(t, s, "fits") // which ends the episode
			ok(t, s.Close())
			var sum uint64
			reports := drained(t, "errors", s.Errors())
			for _, err := range reports {
				var o *udp.OverflowError
				if !errors.As(err, &o) {
					t.Fatalf("%v", err)
				}
				if o.Dropped == 0 {
					t.Error("a report of nothing")
				}
				sum += o.Dropped
			}
			same(t, "reported", sum, s.Stats().DroppedOverflow)
			if len(reports) > 2+int(time.Since(began).Seconds()) { // one, and one for each second that it lasted
				t.Errorf("%d reports of %d drops", len(reports), sum)
			}
		})
	}
}

// While an episode lasts there is a line a second.
func TestLongEpisodeIsReportedMeanwhile(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local(), udp.WithOverflow(udp.OverflowDropNewest), udp.WithMessageBuffer(1), udp.WithReadBuffer(1<<20))
	s.Messages()
	from := std(t, f)
	for range 20 {
		tell(t, from, at(t, s), "x")
	}
	begun := time.Now()
	err, _ := take(t, "report", s.Errors())
	var o *udp.OverflowError
	if !errors.As(err, &o) || o.Dropped == 0 || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}
