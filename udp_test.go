package dgram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// What the README promises, from the outside, as a user would write it.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerEchoesInASelectLoop(t *testing.T) {
	s := open(t, "udp4", "127.0.0.1:0")
	ended := make(chan error)
	go func() { ended <- echo(t.Context(), s) }()

	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			c, err := udp.Dial(t.Context(), "udp4", where(t, s).String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for j := range 50 {
				question := fmt.Appendf(nil, "client %d, question %d", i, j)
				if err := c.Send(t.Context(), question); err != nil {
					t.Error(err)
					return
				}
				if answer := next(t, c); !bytes.Equal(answer.Data, question) {
					t.Errorf("asked %q, answered %q", question, answer.Data)
					return
				}
			}
		})
	}
	clients.Wait()
	s.Close()
	if err := <-ended; err != nil {
		t.Errorf("the loop ended with %v", err)
	}
	if got := s.Stats(); got.Received != 400 || got.Sent != 400 || got.Errors != 0 {
		t.Errorf("%+v", got)
	}
}

// echo is the loop of the README.
func echo(ctx context.Context, s *udp.Socket) error {
	for {
		select {
		case m, ok := <-s.Messages():
			if !ok {
				return s.Err()
			}
			if err := s.Reply(ctx, m, m.Data); err != nil {
				return err
			}
		case err, ok := <-s.Errors():
			if ok {
				return err
			}
		}
	}
}

func TestContextEndsTheSocketAndItsLoops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := where(t, s)
	ended := make(chan error)
	go func() { ended <- echo(ctx, s) }()
	go func() { ended <- s.Wait() }()
	why := errors.New("that is all for today")
	cancel(why)
	for range 2 {
		if err := <-ended; err != why {
			t.Errorf("ended with %v, want %v", err, why)
		}
	}
	<-s.Done()
	again, err := udp.Listen(t.Context(), "udp4", address.String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	again.Close()
	if err := s.Send(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestConnectedSocketTalksToItsPeerAlone(t *testing.T) {
	server, stranger := open(t, "udp4", "127.0.0.1:0"), open(t, "udp4", "127.0.0.1:0")
	c, err := udp.Dial(t.Context(), "udp4", where(t, server).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.RemoteAddr(); got != where(t, server) {
		t.Errorf("connected to %v", got)
	}
	if err := stranger.SendTo(t.Context(), where(t, c), []byte("psst")); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), []byte("question")); err != nil {
		t.Fatal(err)
	}
	if err := server.Reply(t.Context(), next(t, server), []byte("answer")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, c); string(m.Data) != "answer" || m.From != where(t, server) {
		t.Errorf("%v says %q", m.From, m.Data)
	}
	if err := c.SendTo(t.Context(), where(t, stranger), nil); !errors.Is(err, syscall.EISCONN) {
		t.Errorf("got %v", err)
	}
}

func TestServerOnEveryAddressAnswersFromTheOneThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has every address of 127.0.0.0/8")
	}
	for _, network := range []string{"udp4", "udp"} {
		s := open(t, network, ":0")
		for _, asked := range []string{"127.0.0.1", "127.1.2.3"} {
			to := netip.AddrPortFrom(netip.MustParseAddr(asked), where(t, s).Port())
			c, err := udp.Dial(t.Context(), "udp4", to.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Send(t.Context(), []byte("hello")); err != nil {
				t.Fatal(err)
			}
			m := next(t, s)
			if m.To != to.Addr() || !m.From.Addr().Is4() {
				t.Errorf("%s: from %v to %v, want to %v", network, m.From, m.To, asked)
			}
			if err := s.Reply(t.Context(), m, m.Data); err != nil {
				t.Fatal(err)
			}
			next(t, c) // connected, it hears nobody else
		}
	}
}

func TestOutboxSendsABurstInOrder(t *testing.T) {
	const n = 2000
	sink := open(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(4<<20))
	s := open(t, "udp4", "127.0.0.1:0")
	to := where(t, sink)
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		for i := range n {
			select {
			case s.Outbox() <- udp.Datagram{Data: fmt.Append(nil, i), To: to}:
			case <-s.Done():
				return
			}
			if i%100 == 99 { // no faster than the sink's buffer can take it
				if err := s.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for last := -1; last < n-1; {
		var i int
		if _, err := fmt.Sscan(string(next(t, sink).Data), &i); err != nil || i <= last {
			t.Fatalf("%d after %d, %v", i, last, err)
		}
		if lost := i - last - 1; lost > 0 && sink.Stats().DroppedKernel == 0 {
			t.Fatalf("%d datagrams before %d are lost, and nobody says so", lost, i)
		}
		last = i
	}
	<-flushed
	if got := s.Stats(); got.Sent != n || got.SendDropped != 0 {
		t.Errorf("%+v", got)
	}
}

func TestQueuedDatagramThatFailsIsOnErrors(t *testing.T) {
	s := open(t, "udp4", "127.0.0.1:0")
	to := netip.MustParseAddrPort("127.0.0.1:9")
	s.Outbox() <- udp.Datagram{Data: make([]byte, 1<<17), To: to}
	var failed *udp.SendError
	if err := <-s.Errors(); !errors.As(err, &failed) || failed.To != to || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsNameTheNetworkThatWasAskedFor(t *testing.T) {
	for _, network := range []string{"udp", "udp4"} {
		s, err := udp.Listen(t.Context(), network, "203.0.113.1:0") // nobody's address
		if err == nil {
			s.Close()
			t.Skip("somebody's, after all")
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "bind" || op.Net != network || op.Addr.String() != "203.0.113.1:0" {
			t.Errorf("%s: %v", network, err)
		}
	}
}

func TestBlockListsKeepOutAndIn(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	s := open(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(loopback), udp.WithSendBlockList(loopback))
	messages := s.Messages()
	other := open(t, "udp4", "127.0.0.1:0")
	for range 5 {
		if err := other.SendTo(t.Context(), where(t, s), []byte("let me in")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SendTo(t.Context(), where(t, other), nil); !errors.Is(err, udp.ErrBlocked) {
		t.Errorf("got %v", err)
	}
	s.Close()
	for m := range messages {
		t.Errorf("%v came in", m.From)
	}
	if got := s.Stats(); got.DroppedBlocked+got.DroppedClosed != 5 {
		t.Errorf("%+v", got)
	}
}

// Whatever the receiver does, every datagram that was sent is somewhere.
func TestStatsAddUpAfterClose(t *testing.T) {
	const n = 500
	for name, opts := range map[string][]udp.Option{
		"Block":      {},
		"DropNewest": {udp.WithOverflow(udp.OverflowDropNewest)},
		"DropOldest": {udp.WithOverflow(udp.OverflowDropOldest)},
		"small":      {udp.WithReadBuffer(4096)},
	} {
		t.Run(name, func(t *testing.T) {
			// Without offload the kernel counts datagrams, not bursts.
			s := open(t, "udp4", "127.0.0.1:0", append(opts, udp.WithOffload(false), udp.WithMessageBuffer(4))...)
			messages := s.Messages()
			sender := open(t, "udp4", "127.0.0.1:0")
			for i := range n {
				if err := sender.SendTo(t.Context(), where(t, s), make([]byte, i)); err != nil {
					t.Fatal(err)
				}
			}
			received := 0
			for range 3 {
				next(t, s)
				received++
			}
			s.Close()
			for range messages {
				received++
			}
			got := s.Stats()
			if got.Received != uint64(received) {
				t.Errorf("received %d, and Stats says %d", received, got.Received)
			}
			sum := got.Received + got.DroppedKernel + got.DroppedOverflow + got.DroppedBlocked + got.DroppedClosed
			if canCountDrops() && sum != n {
				t.Errorf("%d of %d datagrams are accounted for: %+v", sum, n, got)
			}
			if got := sender.Stats(); got.Sent != n || got.SentBytes != n*(n-1)/2 {
				t.Errorf("the sender: %+v", got)
			}
		})
	}
}

// canCountDrops tells whether the system says what it drops: where a socket
// can have receive times, this package speaks to the kernel itself.
func canCountDrops() bool {
	s, err := udp.Listen(context.Background(), "udp4", "127.0.0.1:0", udp.WithTimestamps())
	if err != nil {
		return false
	}
	s.Close()
	return true
}

func TestPacketConnServesAPlainLoop(t *testing.T) {
	s := open(t, "udp4", "127.0.0.1:0")
	conn := s.PacketConn()
	ended := make(chan error)
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				ended <- err
				return
			}
			if _, err := conn.WriteTo(b[:n], from); err != nil {
				ended <- err
				return
			}
		}
	}()
	c, err := net.Dial("udp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 1500)
	for _, question := range []string{"one", "", "three"} {
		if _, err := c.Write([]byte(question)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(b); err != nil || string(b[:n]) != question {
			t.Errorf("asked %q, answered %q, %v", question, b[:n], err)
		}
	}
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the loop ended with %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	<-s.Done()
	if got := s.Stats(); got.Received != 3 || got.Sent != 3 {
		t.Errorf("%+v", got)
	}
}

// Both packages together: a group on the loopback interface.
func TestMembersHearTheirGroup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loopback interfaces have other names")
	}
	s := open(t, "udp4", "0.0.0.0:0")
	group := netip.AddrPortFrom(netip.MustParseAddr("239.77.1.2"), where(t, s).Port())
	member, err := multicast.Join(s, group.Addr(), multicast.On("lo"))
	if err != nil {
		t.Fatal(err)
	}
	speaker := open(t, "udp4", "127.0.0.1:0")
	if err := multicast.SendOn(t.Context(), speaker, "lo", group, []byte("hello, all")); err != nil {
		t.Fatal(err)
	}
	m := next(t, s)
	if string(m.Data) != "hello, all" || m.To != group.Addr() {
		t.Errorf("%q to %v", m.Data, m.To)
	}
	if err := s.Reply(t.Context(), m, []byte("hello, you")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, speaker); string(m.Data) != "hello, you" {
		t.Errorf("answered %q", m.Data)
	}
	if err := member.Leave(); err != nil {
		t.Error(err)
	}
}

// open makes a socket that is closed with the test.
func open(t *testing.T, network, address string, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(context.Background(), network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// where is the address of a socket.
func where(t *testing.T, s *udp.Socket) netip.AddrPort {
	t.Helper()
	a := s.LocalAddr()
	return a
}

// next is the next message that a socket receives.
func next(t *testing.T, s *udp.Socket) udp.Message {
	t.Helper()
	select {
	case m, ok := <-s.Messages():
		if !ok {
			t.Errorf("the socket has ended: %v", s.Err())
		}
		return m
	case <-time.After(30 * time.Second):
		t.Error("nothing is received")
		return udp.Message{}
	}
}
