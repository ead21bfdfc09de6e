package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/dgram/udp"
)

// The experiment of -cores: does receiving get faster with more readers, and with more
// receivers? It is for machines with many cores. Half as many processes as there are cores
// send 64 bytes each as fast as they can, each from a port of its own, to one socket with
// 1, 2, 4 ... readers, which one goroutine receives from, or as many as there are readers.
type coreSample struct {
	readers, receivers int
	rate, cpu          float64
	err                error
}

const coreTime = time.Second

func (b *bench) measureCores(ctx context.Context) error {
	senders := max(len(b.cpus)/2, 1)
	fmt.Printf("%d processes send 64 bytes as fast as they can.\n\n| readers | receivers | datagrams/s | CPU ns per datagram |\n|--:|--:|--:|--:|\n", senders)
	for readers := 1; readers <= len(b.cpus); readers *= 2 {
		for _, receivers := range []int{1, readers} {
			s := b.coresOnce(ctx, readers, receivers, senders)
			if s.err != nil {
				return s.err
			}
			fmt.Printf("| %d | %d | %.0f | %s |\n", s.readers, s.receivers, s.rate, number3(s.cpu))
			if readers == 1 {
				break
			}
		}
	}
	return nil
}

func (b *bench) coresOnce(ctx context.Context, readers, receivers, senders int) coreSample {
	s := coreSample{readers: readers, receivers: receivers}
	r, err := b.startReceiver(ctx, fmt.Sprintf("readers@%d/%d", readers, receivers), b.allPs(), recvJob{every: 1 << 14, buffer: 4 << 20})
	if err != nil {
		s.err = err
		return s
	}
	defer r.stop()
	for range senders {
		c, _, err := start(ctx, "flood", place{cpus: b.cpus, procs: 1}, b.self, "role", "flood",
			r.at.Addr().String(), strconv.Itoa(int(r.at.Port())), "64", "1")
		if err != nil {
			s.err = err
			return s
		}
		defer c.stop()
	}
	begin := monotonic() + floodWarmup.Nanoseconds()
	var first, last line
	for last.numbers == nil || last.numbers[2] < begin+coreTime.Nanoseconds() {
		got, err := r.expect("got", 5*time.Second)
		if err != nil {
			s.err = err
			return s
		}
		switch {
		case got.numbers[2] < begin:
		case first.numbers == nil:
			first, last = got, got
		default:
			last = got
		}
	}
	datagrams := float64(last.numbers[0] - first.numbers[0])
	s.rate = datagrams / float64(last.numbers[2]-first.numbers[2]) * 1e9
	s.cpu = float64(last.numbers[3]-first.numbers[3]) / datagrams
	return s
}

// readersSource is a socket with readers and receivers, as "2/4" names them.
func readersSource(job recvJob, numbers string) (source, error) {
	many, receivers, _ := strings.Cut(numbers, "/")
	s, src, err := listen(job, udp.WithReaders(number(many)), udp.WithMessageBuffer(1024))
	if err != nil {
		return src, err
	}
	src.read = func(m *meter) error {
		var mu sync.Mutex
		got, bytes, next := int64(0), int64(0), int64(m.every)
		count := func(n, size int64) {
			mu.Lock()
			defer mu.Unlock()
			got, bytes = got+n, bytes+size
			if got >= next {
				next = got + int64(m.every)
				os.Stdout.Write(appendReport(nil, "got", got, bytes, monotonic(), ownCPU(), 0))
			}
		}
		var all sync.WaitGroup
		for range number(receivers) {
			all.Go(func() {
				n, size := int64(0), int64(0)
				for msg := range s.Messages() {
					n, size = n+1, size+int64(len(msg.Data))
					msg.Release()
					if n == 256 {
						count(n, size)
						n, size = 0, 0
					}
				}
			})
		}
		all.Wait()
		return s.Err()
	}
	return src, nil
}
