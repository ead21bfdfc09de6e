package udp_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"example.com/dgram/udp"
)

var long = flag.Bool("long", false, "TestConservation floods with 12 million datagrams and more")

// A flood is sent at a socket, and every datagram of it has to be accounted
// for:
//
//	sent = Received + DroppedKernel + DroppedOverflow + DroppedBlocked + DroppedClosed
//
// With receive offload Linux may count a burst that it drops as one; then the
// sum is a bound, unless nothing was dropped there.
//
//	go test ./udp -run Conservation -long -v
func TestConservation(t *testing.T) {
	exact := countsDrops(t)
	each := 4_000
	if *long {
		each = 350_000 // from 3 sources, 12 times
	}
	for _, overflow := range []udp.Overflow{udp.OverflowBlock, udp.OverflowDropNewest, udp.OverflowDropOldest} {
		for _, slow := range []bool{false, true} {
			for _, offload := range []bool{false, true} {
				name := fmt.Sprintf("%s/slow=%v/offload=%v", [...]string{"Block", "DropNewest", "DropOldest"}[overflow], slow, offload)
				t.Run(name, func(t *testing.T) {
					conserve(t, each, overflow, slow, offload, exact)
				})
			}
		}
	}
}

// sources are where a flood comes from. The last is on the block list.
var sources = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}

func conserve(t *testing.T, each int, overflow udp.Overflow, slow, offload, exact bool) {
	s := listen(t, "udp4", "127.0.0.1:0",
		udp.WithOverflow(overflow),
		udp.WithOffload(offload),
		udp.WithReadBuffer(256<<10),
		udp.WithReceiveBlockList(netip.MustParsePrefix(sources[2]+"/32")))
	messages := s.Messages()
	before, errorsBefore := counter("NoPorts"), counter("RcvbufErrors")
	tokens := make(chan struct{}, 1<<20)
	consumed := make(chan int)
	go func() {
		n := 0
		last := map[netip.AddrPort]uint64{}
		for m := range messages {
			n++
			number := binary.BigEndian.Uint64(m.Data)
			if number <= last[m.From] {
				t.Errorf("datagram %d of %v after %d", number, m.From, last[m.From])
			}
			last[m.From] = number
			m.Release()
			if slow {
				<-tokens
			}
		}
		consumed <- n
	}()
	sent := flood(t, at(t, s), each, func(sent uint64) {
		select {
		case tokens <- struct{}{}: // a message for each batch
		default:
		}
		if exact && !offload && !slow { // as fast as the socket can just about take it
			for deadline := time.Now().Add(soon); sent > sum(s.Stats())+300 && time.Now().Before(deadline); {
				runtime.Gosched()
			}
		}
	})
	if exact && !offload && !slow {
		eventually(t, "every datagram is accounted for", func() bool { return sum(s.Stats()) == sent })
	}
	closed := begin(func() { s.Close() })
	ended(t, "Close", closed)
	close(tokens)
	received := <-consumed
	st := s.Stats()
	// What a busy machine still has in its hands when a socket closes finds none.
	stray := counter("NoPorts") - before
	account := fmt.Sprintf("sent %d = received %d + kernel %d + overflow %d + blocked %d + closed %d + after the end %d",
		sent, st.Received, st.DroppedKernel, st.DroppedOverflow, st.DroppedBlocked, st.DroppedClosed, stray)
	t.Logf("%s; the kernel's own count of drops: %d", account, counter("RcvbufErrors")-errorsBefore)
	if uint64(received) != st.Received {
		t.Errorf("%d messages were received, Received is %d", received, st.Received)
	}
	switch got := sum(st) + stray; {
	case exact && (!offload || st.DroppedKernel == 0) && got != sent:
		t.Errorf("%d are missing: %s", int64(sent-got), account)
	case got > sent:
		t.Errorf("%d too many: %s", int64(got-sent), account)
	}
}

// Traffic that the receiver keeps up with is exact with receive offload too.
func TestOffloadLosesNothingOfOrdinaryTraffic(t *testing.T) {
	each, window := 20_000, 2_000
	if *long {
		each = 2_000_000
	}
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithOffload(true), udp.WithReadBuffer(4<<20))
	if granted, err := s.ReadBuffer(); err != nil || granted < 4<<20 {
		t.Skipf("the receive buffer is too small: %d bytes, %v", granted, err)
	}
	messages := s.Messages()
	batches := make(chan struct{}, window/64)
	consumed := begin(func() {
		n := 0
		for m := range messages {
			m.Release()
			if n++; n%64 == 0 {
				<-batches
			}
		}
	})
	sent := flood(t, at(t, s), each, func(uint64) { batches <- struct{}{} })
	eventually(t, "every datagram arrives", func() bool { return s.Stats().Received == sent })
	same(t, "datagrams that the kernel dropped", s.Stats().DroppedKernel, 0)
	s.Close()
	close(batches)
	ended(t, "consumer", consumed)
}

// However many ask at once, what the kernel dropped is counted once and never
// taken back.
func TestDropsAreCountedOnceWhoeverAsks(t *testing.T) {
	knowsDrops(t)
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(4096))
	to := at(t, s)
	stop := make(chan struct{})
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for last := uint64(0); ; {
				select {
				case <-stop:
					return
				default:
				}
				now := s.Stats().DroppedKernel
				if now < last {
					t.Errorf("%d drops after %d", now, last)
					return
				}
				last = now
			}
		})
	}
	sent := flood(t, to, 4000, func(uint64) {})
	close(stop)
	askers.Wait()
	arrived(t)
	s.Close()
	st := s.Stats()
	if sum(st) != sent {
		t.Errorf("sent %d, accounted for are %d: %+v", sent, sum(st), st)
	}
}

// Of the sockets that share a port, one that closes takes its datagrams along,
// counted, and the others get the rest.
func TestCloseLosesNoneOfAGroupsDatagrams(t *testing.T) {
	knowsDrops(t)
	a := listen(t, "udp4", "127.0.0.1:0", udp.WithReusePort())
	b := listen(t, "udp4", at(t, a).String(), udp.WithReusePort())
	b.Messages()
	shower := func() {
		for i := range 50 { // the kernel spreads senders
			from := listen(t, "udp4", "127.0.0.1:0")
			send(t, from, at(t, b), fmt.Sprint(i))
			from.Close()
		}
	}
	shower()
	a.Close()
	if n := a.Stats().DroppedClosed; n == 0 {
		t.Error("the kernel gave all to one socket")
	}
	shower()
	b.Close()
	same(t, "accounted for", sum(a.Stats())+sum(b.Stats()), 100)
}
