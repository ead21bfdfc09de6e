package udp_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/udp"
)

// Faults that no kernel makes on demand, on a simulated one. docs/faults.md has the
// list of all.

// simulated runs a test of a socket on a simulated kernel, in a bubble.
func simulated(t *testing.T, f func(t *testing.T, s *udp.Socket, c *simConn), opts ...udp.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newSimKernel(t)
		s, err := udp.ListenOn(context.Background(), k, "udp4", "", opts...)
		ok(t, err)
		defer s.Close()
		f(t, s, k.only())
	})
}

// reads is how many receive calls were made.
func (c *simConn) reads() uint64 { return c.Calls().Read }

// one is a packet of one datagram.
func one(text string) simPacket {
	return simPacket{from: friend, to: simAddr, datagrams: [][]byte{[]byte(text)}}
}

func TestAnErrorThatPersistsEndsTheSocket(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.broken = syscall.ENOMEM })
		began := time.Now()
		messages := s.Messages()
		<-s.Done()
		if took := time.Since(began); took < 10*time.Second || took > time.Minute {
			t.Errorf("the socket gave up after %v", took)
		}
		if n := c.reads(); n > 20 {
			t.Errorf("%d receive calls before the socket gave up", n)
		}
		fails(t, s.Err(), syscall.ENOMEM)
		same(t, "errors that say the same", len(drained(t, "errors", s.Errors())), 1)
		drained(t, "messages", messages)
	})
}

func TestAnErrorThatPassesIsSurvived(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		messages := s.Messages()
		for range 5 { // each time a little short of giving up
			for range 10 {
				c.change(func() { c.errs = append(c.errs, syscall.ENOBUFS, syscall.EINTR) })
			}
			c.arrive(one("still here"))
			same(t, "message", string((<-messages).Data), "still here")
		}
		same(t, "cause", s.Err(), nil)
	})
}

// An errno of the receive call itself, which comes again and again, is not read
// without a pause, and ends nothing.
func TestAnErrnoOfTheCallDoesNotKeepAReaderBusy(t *testing.T) {
	for way, read := range readings {
		if way == "TryReceive" {
			continue // its caller sets the pace
		}
		t.Run(way, func(t *testing.T) {
			simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
				c.change(func() { c.broken = syscall.EPERM })
				if way == "ReadFrom" {
					_, _, err := s.PacketConn().ReadFrom(make([]byte, 100))
					fails(t, err, syscall.EPERM)
					same(t, "cause", s.Err(), nil)
					return
				}
				in := start(t, read(t, s))
				time.Sleep(10 * time.Second)
				if n := c.reads(); n > 10*20+500 {
					t.Errorf("%d receive calls in 10 seconds", n)
				}
				c.change(func() { c.broken = nil })
				c.arrive(one("at last"))
				in.expect(t, "at last")
				same(t, "cause", s.Err(), nil)
			})
		})
	}
}

// What the network says about earlier datagrams, whatever the errno, is on Errors.
// It comes after what there is to read, takes no time, and ends nothing.
func TestNoErrnoOfTheNetworkHoldsUpReceiving(t *testing.T) {
	for errno := syscall.Errno(1); errno < 134; errno++ {
		if kernel.IsSocketGone(errno) || kernel.IsMemoryShort(errno) || errno == syscall.EINTR || errno == syscall.EAGAIN {
			continue
		}
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			began := time.Now()
			messages := s.Messages()
			for range 20 {
				c.change(func() { c.errs = append(c.errs, errno, errno) })
				c.arrive(one("still here"))
				same(t, "message", string((<-messages).Data), "still here")
			}
			synctest.Wait()
			same(t, "time", time.Since(began), 0)
			same(t, "cause", s.Err(), nil)
			same(t, "errors", s.Stats().Errors, 40)
			fails(t, <-s.Errors(), errno)
		})
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			v := s.PacketConn()
			for range 100 {
				c.change(func() { c.errs = append(c.errs, errno, errno) })
				c.arrive(one("still here"))
				n, _, err := v.ReadFrom(make([]byte, 100))
				ok(t, err)
				same(t, "size", n, len("still here"))
			}
			fails(t, <-s.Errors(), errno)
		})
	}
}

// The pause after an error holds up neither the end of a loop nor Close.
func TestAPauseHoldsNobodyUp(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.broken = syscall.ENOMEM })
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second+time.Millisecond)
		defer cancel()
		began := time.Now()
		for range s.All(ctx) {
		}
		same(t, "duration of the loop", time.Since(began), 3*time.Second+time.Millisecond)
		began = time.Now()
		s.Close()
		same(t, "duration of Close", time.Since(began), 0)
	})
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() { c.broken = syscall.ENOMEM })
		s.Messages()
		time.Sleep(3 * time.Second)
		began := time.Now()
		s.Close()
		same(t, "duration of Close", time.Since(began), 0)
	})
}

// The error queue is emptied a piece at a time: a flood of ICMP takes no more
// memory than that.
func TestAFloodOfNewsIsTakenAPieceAtATime(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		c.change(func() {
			for range 10_000 {
				c.refusals = append(c.refusals, refusal(friend, syscall.ECONNREFUSED))
			}
			c.fates = []error{syscall.ECONNREFUSED}
		})
		ok(t, s.SendTo(context.Background(), friend, nil))
		if n := s.Stats().Errors; n == 0 || n > 100 {
			t.Errorf("a send waited for %d pieces of news", n)
		}
	}, udp.WithICMPErrors())
}

// A deadline that somebody else has left on the descriptor ends no reader.
func TestAForeignDeadlineEndsNoReader(t *testing.T) {
	simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
		messages := s.Messages()
		synctest.Wait()
		ok(t, c.SetReadDeadline(time.Now().Add(-time.Hour)))
		c.arrive(one("on time"))
		same(t, "message", string((<-messages).Data), "on time")
		c.change(func() { c.errs = []error{os.ErrDeadlineExceeded} })
		s.Close()
	})
}

// A descriptor that vanishes under the socket is not silence: readers, loops
// and views end with the cause.
func TestADescriptorThatVanishesEndsTheSocket(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EBADF, syscall.ECONNABORTED, syscall.ENOTSOCK} {
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			messages := s.Messages()
			synctest.Wait()
			c.change(func() { c.errs = []error{errno} })
			<-s.Done()
			fails(t, s.Err(), errno)
			drained(t, "messages", messages)
		})
		simulated(t, func(t *testing.T, s *udp.Socket, c *simConn) {
			v := s.PacketConn()
			c.change(func() { c.errs = []error{errno} })
			_, _, err := v.ReadFrom(make([]byte, 10))
			fails(t, err, errno)
			<-s.Done()
			fails(t, s.Err(), errno)
		})
	}
}
