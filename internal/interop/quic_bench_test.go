//go:build unix

package interop

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"
)

// BenchmarkQUIC moves 64 MiB from client to server over loopback, on package net
// and on dgram by turns, and reports what each achieved, and what it cost: on a
// machine that has other work the CPU time is the better measure.
func BenchmarkQUIC(b *testing.B) {
	const size = 64 << 20
	sides := []side{theirs, ours}
	var spent, cpu [2]time.Duration
	best := [2]time.Duration{time.Hour, time.Hour}
	for round := range b.N {
		for i := range sides {
			i = (i + round) % len(sides)
			before := cpuTime(b)
			took := quicRound(b, sides[i], size)
			cpu[i] += cpuTime(b) - before
			spent[i] += took
			best[i] = min(best[i], took)
		}
	}
	for i, s := range sides {
		b.ReportMetric(size/(spent[i].Seconds()/float64(b.N))/1e6, s.name+"-MB/s")
		b.ReportMetric(size/best[i].Seconds()/1e6, s.name+"-best-MB/s")
		b.ReportMetric(cpu[i].Seconds()/float64(b.N)*(1<<30)/size, s.name+"-cpu-s/GiB")
	}
	b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "dgram/net-speed")
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
