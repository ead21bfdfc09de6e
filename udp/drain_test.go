package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/dgram/udp"
)

func TestDrainDeliversWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		for way, read := range readings {
			if way == "TryReceive" {
				continue // it has no error to return
			}
			t.Run(way, func(t *testing.T) {
				s := listen(t, f.network, f.local(), udp.WithMessageBuffer(4))
				from := std(t, f)
				const sent = 100
				fill(t, from, s, sent)
				draining := later(func() error { return s.Drain(t.Context()) })
				r := read(t, s)
				defer r.stop()
				n, end := r.count()
				same(t, "datagrams", n, sent)
				fails(t, end, net.ErrClosed)
				err, _ := take(t, "Drain", draining)
				ok(t, err)
				drained(t, "errors", s.Errors())
				same(t, "received", s.Stats().Received, sent)
				ok(t, s.SendTo(t.Context(), of(from), []byte("bye")))
				hear(t, from, "bye")
				ok(t, s.Drain(t.Context()))
				ok(t, s.Err())
				select {
				case <-s.Done():
					t.Error("a drained socket is done")
				default:
				}
				ok(t, s.Close())
				st := s.Stats()
				same(t, "accounted for", st.Received+st.DroppedClosed+st.DroppedKernel, sent)
			})
		}
	})
}

func TestADrainedSocketIsDeaf(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		from := std(t, f)
		tell(t, from, at(t, s), "before")
		m, err := s.Receive(t.Context())
		ok(t, err)
		ok(t, s.Drain(t.Context()))
		tell(t, from, at(t, s), "after")
		if m, got := s.TryReceive(); got {
			t.Errorf("received %q", m.Data)
		}
		_, err = s.Receive(t.Context())
		fails(t, err, udp.ErrDrained, net.ErrClosed)
		ok(t, s.Reply(t.Context(), m, []byte("reply")))
		hear(t, from, "reply")
		for _, err := range []error{
			s.Connect(t.Context(), of(from).String()),
			s.Bind(t.Context(), ""),
			s.Disconnect(),
		} {
			fails(t, err, net.ErrClosed)
		}
		if _, more := <-s.Messages(); more {
			t.Error("a message after Drain")
		}
	})
}

func TestDrainInEveryState(t *testing.T) {
	f := families()[0]
	t.Run("a done context", func(t *testing.T) {
		s := listen(t, f.network, f.local())
		fails(t, s.Drain(done()), context.Canceled)
		tell(t, std(t, f), at(t, s), "x")
		_, err := s.Receive(t.Context())
		ok(t, err)
	})
	t.Run("unbound", func(t *testing.T) {
		s := open(t, f.network)
		messages := s.Messages()
		ok(t, s.Drain(t.Context()))
		drained(t, "messages", messages)
		drained(t, "errors", s.Errors())
		fails(t, s.Bind(t.Context(), ""), net.ErrClosed)
	})
	t.Run("unbound, and a reader waits", func(t *testing.T) {
		s := open(t, f.network)
		reading := later(func() error { _, err := s.Receive(context.Background()); return err })
		ok(t, s.Drain(t.Context()))
		err, _ := take(t, "the reader's end", reading)
		fails(t, err, udp.ErrDrained)
	})
	t.Run("closed", func(t *testing.T) {
		s := listen(t, f.network, f.local())
		ok(t, s.Close())
		fails(t, s.Drain(t.Context()), net.ErrClosed)
	})
	t.Run("no reader", func(t *testing.T) {
		s := listen(t, f.network, f.local())
		fill(t, std(t, f), s, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		fails(t, s.Drain(ctx), context.DeadlineExceeded)
		draining := later(func() error { return s.Drain(t.Context()) })
		expect(t, s, "x")
		err, _ := take(t, "Drain", draining)
		ok(t, err)
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		s := listen(t, f.network, f.local())
		fill(t, std(t, f), s, 1)
		draining := later(func() error { return s.Drain(t.Context()) })
		ok(t, s.Close())
		err, _ := take(t, "Drain", draining)
		fails(t, err, net.ErrClosed)
		same(t, "accounted for", sum(s.Stats()), 1)
	})
	t.Run("several readers", func(t *testing.T) {
		s := listen(t, f.network, f.local(), udp.WithReaders(3))
		messages := s.Messages()
		ok(t, s.Drain(t.Context()))
		drained(t, "messages", messages)
	})
	t.Run("a call that waits", func(t *testing.T) {
		s := listen(t, f.network, f.local())
		waiting := later(func() error { _, err := s.Receive(t.Context()); return err })
		ok(t, s.Drain(t.Context()))
		err, _ := take(t, "Receive", waiting)
		fails(t, err, udp.ErrDrained)
	})
	t.Run("the Outbox", func(t *testing.T) {
		s, to := listen(t, f.network, f.local()), std(t, f)
		for i := range 50 {
			s.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i), To: of(to)}
		}
		ok(t, s.Drain(t.Context()))
		same(t, "sent", s.Stats().Sent, 50)
		s.Outbox() <- udp.Datagram{Data: []byte("last"), To: of(to)}
		ok(t, s.Flush(t.Context()))
	})
}

// What a process shares is left alone: a duplicate goes on hearing.
func TestDrainLeavesASharedDescriptorItsDatagrams(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	file, err := s.File()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	ok(t, err)
	defer file.Close()
	ok(t, s.Drain(t.Context()))
	other, err := udp.FromFile(file)
	other = mine(t, other, err)
	tell(t, std(t, f), at(t, other), "x")
	expect(t, other, "x")
}

// queued returns the bytes that the kernel holds for s. It skips the test where
// the system does not say: a send that has returned is not a datagram that has
// arrived.
func queued(t *testing.T, s *udp.Socket) (bytes int64) {
	t.Helper()
	table := "/proc/net/udp"
	if s.Network() == "udp6" {
		table += "6"
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Skip("no list of what sockets hold:", err)
	}
	port := fmt.Sprintf(":%04X", s.LocalAddr().Port())
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasSuffix(f[1], port) {
			_, receive, _ := strings.Cut(f[4], ":")
			bytes, err = strconv.ParseInt(receive, 16, 64)
			ok(t, err)
		}
	}
	return bytes
}

// fill sends n datagrams of one size and waits until the kernel holds them.
func fill(t *testing.T, from *net.UDPConn, s *udp.Socket, n int) {
	t.Helper()
	tell(t, from, at(t, s), "x")
	arrived(t)
	one := queued(t, s)
	if one == 0 {
		t.Skip("this system does not say how much a socket holds")
	}
	for range n - 1 {
		tell(t, from, at(t, s), "x")
	}
	eventually(t, "all are there", func() bool { return queued(t, s) == int64(n)*one })
}
