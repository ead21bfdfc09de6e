package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/udp"
)

// An error of a read that passes is heard of once, and reading goes on.
//
// Upstream: parallel/test-dgram-recv-error.js
func TestReaderSurvivesSoftErrors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.ENOBUFS, syscall.EPERM, syscall.ECONNREFUSED, syscall.EHOSTUNREACH} {
		for way, read := range readings {
			t.Run(fmt.Sprint(errno, " ", way), func(t *testing.T) {
				simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
					c.change(func() { c.errs = []error{errno} })
					c.arrive(one("still here"))
					r := read(t, s)
					defer r.stop()
					var heard []error
					for _, want := range []string{"still here", "and here"} {
						m, err := r.next()
						for ; err != nil; m, err = r.next() {
							heard = append(heard, err)
						}
						same(t, "message", string(m.Data), want)
						c.arrive(one("and here"))
					}
					synctest.Wait()
					for len(s.Errors()) > 0 {
						heard = append(heard, <-s.Errors())
					}
					if len(heard) != 1 {
						t.Fatalf("heard of %v", heard)
					}
					fails(t, heard[0], errno)
					shaped(t, heard[0], "read", "")
					ok(t, s.Err())
				})
			})
		}
	}
}

// An error that repeats is one line until it is read, and is counted each time.
func TestEqualErrorsAreQueuedOnce(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		const again = syscall.ECONNREFUSED
		c.change(func() { c.errs = []error{again, again, again, syscall.EHOSTUNREACH, again} })
		s.Messages()
		synctest.Wait()
		for _, want := range []error{again, syscall.EHOSTUNREACH, again} {
			fails(t, <-s.Errors(), want)
		}
		empty(t, "errors", s.Errors())
		st := s.Stats()
		same(t, "Errors", st.Errors, 5)
		same(t, "ErrorsDropped", st.ErrorsDropped, 0)
	})
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
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EINVAL, syscall.ENOMEM, syscall.EIO} {
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			c.change(func() { c.deaf = errno })
			err := s.SendTo(t.Context(), friend, []byte("x"))
			fails(t, err, errno)
			shaped(t, err, "send", friend.String())
			if op, _ := errors.AsType[*net.OpError](err); op.Addr == nil || op.Addr.String() != friend.String() || op.Net != "udp4" {
				t.Errorf("%#v", op)
			}
			n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: friend}})
			fails(t, err, errno)
			same(t, "sent", n, 0)
			empty(t, "errors", s.Errors())
			st := s.Stats()
			same(t, "Sent", st.Sent, 0)
			same(t, "Errors", st.Errors, 0)
			c.change(func() { c.deaf = nil })
			send(t, s, friend, "x")
			same(t, "sent", c.texts(), "[x]")
		})
	}
}

// A refusal that surfaces in a send is an earlier datagram's: this one is sent again, and
// the news is on Errors.
func TestRefusalInASendIsNews(t *testing.T) {
	for name, send := range map[string]func(s *udp.Socket) error{
		"Send": func(s *udp.Socket) error { return s.Send(context.Background(), []byte("x")) },
		"SendBatch": func(s *udp.Socket) error {
			_, err := s.SendBatch(context.Background(), []udp.Datagram{{Data: []byte("x")}})
			return err
		},
		"Outbox": func(s *udp.Socket) error {
			s.Outbox() <- udp.Datagram{Data: []byte("x")}
			return s.Flush(context.Background())
		},
		"Write": func(s *udp.Socket) error { _, err := s.PacketConn().Write([]byte("x")); return err },
	} {
		for _, refusals := range []int{1, 2, 3} {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				ok(t, s.Connect(t.Context(), friend.String()))
				c.change(func() { c.fates = slices.Repeat([]error{syscall.ECONNREFUSED}, refusals) })
				if err := send(s); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				same(t, name, c.texts(), "[x]")
				news := <-s.Errors()
				fails(t, news, syscall.ECONNREFUSED)
				shaped(t, news, "read", friend.String())
				empty(t, "errors", s.Errors())
				st := s.Stats()
				same(t, name+": Errors", st.Errors, uint64(refusals))
				same(t, name+": SendDropped", st.SendDropped, 0)
			})
		}
	}
}

// ENOBUFS, a full device queue, is waited for: nothing is lost, order is kept.
func TestFullDeviceQueueIsWaitedFor(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.fates = []error{syscall.ENOBUFS, nil, nil, syscall.ENOBUFS} })
		send(t, s, friend, "a")
		n, err := s.SendBatch(t.Context(), []udp.Datagram{{To: friend, Data: []byte("b")}, {To: friend, Data: []byte("c")}})
		ok(t, err)
		same(t, "sent of the batch", n, 2)
		same(t, "sent", c.texts(), "[a b c]")
		empty(t, "errors", s.Errors())
	})
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

// An episode of drops is one OverflowError, and one for each second that it lasts. Their
// sum is the drops.
func TestOverflowIsReportedByTheEpisode(t *testing.T) {
	for _, policy := range []udp.Overflow{udp.OverflowDropNewest, udp.OverflowDropOldest} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				messages := s.Messages()
				var reported uint64
				reports := func() (n int) {
					synctest.Wait()
					for len(s.Errors()) > 0 {
						o, is := errors.AsType[*udp.OverflowError](<-s.Errors())
						if !is || o.Dropped == 0 {
							t.Fatalf("%#v", o)
						}
						reported += o.Dropped
						n++
					}
					return n
				}
				const seconds = 10
				for range 10 * seconds {
					for range 5 {
						c.arrive(one("x"))
					}
					time.Sleep(time.Second / 10)
				}
				if n := reports(); n < seconds-1 || n > seconds+1 {
					t.Errorf("%d reports in %d seconds", n, seconds)
				}
				for range 4 {
					<-messages
				}
				c.arrive(one("fits")) // which ends the episode
				<-messages
				time.Sleep(seconds * time.Second)
				if n := reports(); n > 1 {
					t.Errorf("%d reports at the end", n)
				}
				same(t, "reported", reported, s.Stats().DroppedOverflow)
			}, udp.WithOverflow(policy), udp.WithMessageBuffer(4))
		})
	}
}
