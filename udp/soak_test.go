package udp_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

var soak = flag.Duration("soak", 500*time.Millisecond, "how `long` TestSoak goes on")

// Sockets open, bind, connect, send, flood, are read in every way, stall and
// close, at random and all at once. Nothing hangs, nothing leaks, nothing grows.
//
//	go test ./udp -run Soak -soak=10m -timeout 15m
func TestSoak(t *testing.T) {
	leakless(t)
	const crowd = 16
	var bath sync.WaitGroup
	var lives atomic.Int64
	busy := make([]atomic.Int64, crowd) // when each began what it does, 0 between lives
	stop := make(chan struct{})
	for g := range crowd {
		bath.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), uint64(time.Now().UnixNano())))
			for {
				select {
				case <-stop:
					return
				default:
				}
				busy[g].Store(time.Now().UnixNano())
				live(t, r)
				busy[g].Store(0)
				lives.Add(1)
			}
		})
	}
	watch(t, busy)
	close(stop)
	door(t, "the last lives", bath.Wait)
	t.Logf("%d lives", lives.Load())
}

// watch looks on for the time of the soak.
func watch(t *testing.T, busy []atomic.Int64) {
	end := time.After(*soak)
	look := time.NewTicker(max(*soak/20, 100*time.Millisecond))
	defer look.Stop()
	var heap []uint64
	for {
		select {
		case <-end:
			// Half of the time is to get warm in.
			if n := len(heap); n >= 20 && heap[n-1] > 2*heap[n/2]+32<<20 {
				t.Errorf("the heap grows: %v", heap)
			}
			return
		case <-look.C:
		}
		var memory runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&memory)
		heap = append(heap, memory.HeapAlloc)
		if n := runtime.NumGoroutine(); n > 2000 {
			stacks(t)
			t.Fatalf("%d goroutines", n)
		}
		if n := len(descriptors()); n > 500 {
			t.Fatalf("%d descriptors", n)
		}
		for g := range busy {
			if began := busy[g].Load(); began != 0 && time.Since(time.Unix(0, began)) > soon {
				stacks(t)
				t.Fatalf("life %d hangs", g)
			}
		}
	}
}

// live is the life of one socket.
func live(t *testing.T, r *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.IntN(50))*time.Millisecond)
	defer cancel()
	network, loopback := "udp4", netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if fams := families(); len(fams) > 1 && r.IntN(2) == 0 {
		network, loopback = fams[1].network, fams[1].loopback
	}
	opts := []udp.Option{
		udp.WithOverflow(udp.Overflow(r.IntN(3))), udp.WithMessageBuffer(r.IntN(20)),
		udp.WithErrorBuffer(r.IntN(3)), udp.WithSendQueue(r.IntN(20)),
	}
	switch r.IntN(6) {
	case 0:
		opts = append(opts, udp.WithContext(ctx))
	case 1:
		opts = append(opts, udp.WithReadBuffer(4096))
	case 2:
		if !portable {
			opts = append(opts, udp.WithReaders(1+r.IntN(3)))
		}
	case 3:
		if !portable {
			opts = append(opts, udp.WithICMPErrors())
		}
	}
	s, err := udp.New(network, opts...)
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		return
	}
	defer s.Close()
	to := netip.AddrPortFrom(loopback, uint16(1+r.IntN(65535))) // dead, as a rule
	if r.IntN(4) > 0 {
		_ = s.Bind(ctx, netip.AddrPortFrom(loopback, 0).String())
		if self := s.LocalAddr(); self.IsValid() {
			to = self
		}
	}
	if r.IntN(4) == 0 {
		_ = s.Connect(ctx, to.String())
	}
	var parts sync.WaitGroup
	own := rand.New(rand.NewPCG(r.Uint64(), 0))
	parts.Go(func() { read(ctx, s, own) })
	for range r.IntN(20) {
		step(ctx, s, to, r)
	}
	if r.IntN(3) == 0 {
		parts.Go(func() { s.Close() })
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	parts.Wait()
	if err := s.SendTo(context.Background(), to, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// read reads a socket in some way, for a while.
func read(ctx context.Context, s *udp.Socket, r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		messages := s.Messages()
		for range r.IntN(100) {
			select {
			case m := <-messages:
				m.Release()
			case <-s.Errors():
			case <-ctx.Done():
				return
			}
		}
	case 1:
		for m, err := range s.All(ctx) {
			if err == nil && r.IntN(2) == 0 {
				m.Release()
			}
			if r.IntN(50) == 0 {
				return
			}
		}
	case 2:
		v := s.PacketConn()
		b := make([]byte, 2000)
		for range r.IntN(20) {
			_ = v.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, _, err := v.ReadFrom(b); errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}
}

// step does something with a socket.
func step(ctx context.Context, s *udp.Socket, to netip.AddrPort, r *rand.Rand) {
	data := make([]byte, r.IntN(3000))
	connected := s.RemoteAddr().IsValid()
	switch r.IntN(10) {
	case 0:
		_ = s.SendTo(ctx, to, data)
	case 1:
		_ = s.Send(ctx, data)
	case 2, 3:
		d := udp.Datagram{Data: data, To: to}
		if connected {
			d.To = netip.AddrPort{}
		}
		_, _ = s.SendBatch(ctx, []udp.Datagram{d, d, d, d, d, d, d, d})
		for range r.IntN(100) {
			select {
			case s.Outbox() <- d:
			case <-ctx.Done():
				return
			case <-s.Done():
				return
			}
		}
	case 4:
		_ = s.Flush(ctx)
	case 5:
		_ = s.Disconnect()
	case 6:
		_ = s.Connect(ctx, to.String())
	case 7:
		s.Stats()
		_, _ = s.ReadBuffer()
		_ = s.SetTTL(1 + r.IntN(255))
	case 8:
		if f, err := s.File(); err == nil {
			f.Close()
		}
	case 9:
		group := netip.AddrFrom4([4]byte{239, 1, 2, byte(r.IntN(4))})
		if m, err := multicast.Join(s, group, multicast.On("1")); err == nil && r.IntN(2) == 0 {
			_ = m.Leave()
		}
	}
}
