//go:build unix

package interop

import (
	"cmp"
	"context"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkQUIC moves 64 MiB from client to server over loopback, on package net
// and on dgram by turns, and reports what each achieved in the median, and what it cost: on a
// machine that has other work the CPU time is the better measure.
func BenchmarkQUIC(b *testing.B) {
	const size = 64 << 20
	sides := []side{theirs, ours}
	var cpu [2]time.Duration
	var ratios []float64 // of the speeds in each round
	spent := [2][]time.Duration{}
	for round := range b.N {
		for i := range sides {
			i = (i + round) % len(sides)
			before := cpuTime(b)
			took := quicRound(b, sides[i], size)
			cpu[i] += cpuTime(b) - before
			spent[i] = append(spent[i], took)
		}
		ratios = append(ratios, spent[0][round].Seconds()/spent[1][round].Seconds())
	}
	for i, s := range sides {
		b.ReportMetric(size/median(spent[i]).Seconds()/1e6, s.name+"-MB/s")
		b.ReportMetric(size/slices.Min(spent[i]).Seconds()/1e6, s.name+"-best-MB/s")
		b.ReportMetric(cpu[i].Seconds()/float64(b.N)*(1<<30)/size, s.name+"-cpu-s/GiB")
	}
	b.ReportMetric(median(ratios), "dgram/net-speed")
	b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "dgram/net-cpu")
	b.ReportMetric(0, "ns/op")
}

func quicRound(b *testing.B, s side, size int64) time.Duration {
	p := connectQUIC(b, s.listen(b, "udp4", "127.0.0.1:0"), s.listen(b, "udp4", "127.0.0.1:0"), false)
	defer func() {
		p.close(b)
		p.server.Conn.Close()
		p.client.Conn.Close()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*soon)
	defer cancel()
	start := time.Now()
	sent := later(func() error { return push(ctx, p.dialed, zeros{}, size) })
	fine(b, "receive", later(func() error { return pull(ctx, p.accepted, io.Discard, size) }))
	fine(b, "send", sent)
	return time.Since(start)
}

func median[T cmp.Ordered](v []T) T {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// zeros are cheap to make.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
