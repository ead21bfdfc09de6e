package udp_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// TestICMPFlood keeps up a conversation while reports about it, forged as fast as the
// machine can, come in: some hundred thousand a second. Nothing of it is lost, no
// send fails, no burst to another destination is anything else.
//
//	go test ./udp -run ICMPFlood -long -v
func TestICMPFlood(t *testing.T) {
	h := icmpHost(t)
	duration := 150 * time.Millisecond
	if *long {
		duration = 10 * time.Second
	}
	ways := slices.Sorted(maps.Keys(readings))
	for i, c := range icmpCases() {
		if c.name == "DontFragment" || c.name == "unconnected" {
			continue
		}
		floods := [][]icmpKind{icmpKinds(c.peer), {{3, 3}}, {{3, 5}}}
		if c.peer == "udp6" {
			floods = [][]icmpKind{icmpKinds(c.peer), {{1, 4}}, {{1, 1}}}
		}
		if !*long { // one of each, and no two cases alike
			floods = [][]icmpKind{floods[i%len(floods)]}
		}
		for _, flood := range floods {
			for k, way := range ways {
				if !*long && k != i%len(ways) {
					continue
				}
				t.Run(fmt.Sprint(c, " ", flood[0], len(flood), " ", way), func(t *testing.T) {
					withstand(t, h, c, flood, readings[way], duration)
				})
			}
		}
	}
}

// withstand holds a conversation in a flood.
func withstand(t *testing.T, h *netlab.Host, c icmpCase, kinds []icmpKind, read func(testing.TB, *udp.Socket) reading, duration time.Duration) {
	forger, err := h.ForgeICMP(c.peer)
	ok(t, err)
	defer forger.Close()
	v := conversation{t: t, h: h, c: c, peer: stdOn(t, h, c.peer, peerAddr[c.peer])}
	ok(t, v.peer.SetDeadline(time.Now().Add(duration+soon)))
	other := listenOn(t, h, c.peer, net.JoinHostPort(otherAddr[c.peer], "0"), udp.WithOverflow(udp.OverflowDropNewest))
	other.Messages()
	s := v.socket()
	defer s.Close()
	r := read(t, s)
	defer r.stop()
	to, me := of(v.peer), v.local(s)
	var forged []netlab.ICMPError
	for _, k := range kinds {
		forged = append(forged, netlab.ICMPError{Type: k.kind, Code: k.code, Info: 1400, From: me, To: to})
	}
	stop, flooded := make(chan struct{}), make(chan int, 1)
	go func() {
		n, err := forger.Flood(stop, forged...)
		if err != nil {
			t.Error(err)
		}
		flooded <- n
	}()
	defer func() {
		close(stop)
		n := <-flooded
		t.Logf("%d reports a second, %d errors", int(float64(n)/duration.Seconds()), s.Stats().Errors)
	}()

	const window = 8 // what is in flight is sure to fit the buffer
	var sent, heard uint64
	b := make([]byte, 100)
	batch := make([]udp.Datagram, 64)
	for i := range batch {
		batch[i] = udp.Datagram{To: at(t, other), Data: make([]byte, 1000)}
	}
	salvos, calls := 0, uint64(0)
	for began := time.Now(); time.Since(began) < duration || sent == 0; {
		for range window {
			q := binary.BigEndian.AppendUint64(nil, sent)
			if c.connected {
				err = s.Send(t.Context(), q)
			} else {
				err = s.SendTo(t.Context(), to, q)
			}
			if err != nil {
				t.Fatalf("send %d: %v", sent, err)
			}
			sent++
		}
		for range window {
			n, from, err := v.peer.ReadFromUDPAddrPort(b)
			ok(t, err)
			_, err = v.peer.WriteToUDPAddrPort(b[:n], from)
			ok(t, err)
		}
		// With WithICMPErrors, reports that nobody has read yet take room in the
		// receive buffer, until the socket sees that they do.
		lost := s.Stats().DroppedKernel
		for heard+lost < sent {
			m, err := r.next()
			if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%d questions, %d answers, %d lost: %v", sent, heard, lost, err)
			}
			if err == nil {
				if got := binary.BigEndian.Uint64(m.Data); got < heard || got > heard+lost {
					t.Fatalf("answer %d after %d, %d lost", got, heard, lost)
				}
				heard++
			}
			lost = s.Stats().DroppedKernel
		}
		if !c.connected {
			before := s.Stats().WriteCalls
			n, err := s.SendBatch(t.Context(), batch)
			ok(t, err)
			same(t, "sent of the batch", n, len(batch))
			salvos, calls = salvos+1, calls+s.Stats().WriteCalls-before
		}
		for len(s.Errors()) > 0 {
			shaped(t, <-s.Errors(), "read", to.String())
		}
	}
	if !portable && salvos > 0 && calls > uint64(8*salvos)+100 {
		t.Errorf("%d batches took %d calls", salvos, calls)
	}
	same(t, "cause", s.Err(), nil)
	lost := s.Stats().DroppedKernel
	if lost > 0 && (!c.queue || lost > sent/5+64) {
		t.Errorf("%d of %d answers were lost", lost, sent)
	}
	t.Logf("%d questions and answers, %d lost, %d batches in %d calls", sent, lost, salvos, calls)
}
