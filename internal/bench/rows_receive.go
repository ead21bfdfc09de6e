package main

import (
	"fmt"
	"time"
)

const receiving = "Receiving"

func (b *bench) receiveGroups() []group {
	var all []group
	for _, size := range sizes {
		all = append(all, b.idleMachine(size), b.busyMachine(size), b.oneCore(size))
	}
	for _, size := range sizes {
		all = append(all, b.burstsEverywhere(size), b.burstsOneCore(size))
	}
	for _, ns := range []int{1000, 5000} {
		all = append(all, b.working(ns))
	}
	all = append(all, b.view(false), b.view(true))
	for _, on := range []place{b.oneP(), b.allPs()} {
		all = append(all, b.roundTrip(on))
	}
	for _, size := range sizes {
		all = append(all, b.frozen(size), b.goodput(size), b.receiveAllocations(size))
	}
	return all
}

// cpuRatio is a row about the CPU for a datagram: ours ÷ theirs, at most the limit.
func cpuRatio(row int, what, ours, theirs, neighbor string, limit float64) cell {
	return cell{row: row, what: what, ours: ours, theirs: theirs, neighbor: neighbor, metric: cpu, target: atMost(limit)}
}

// with is the row with another ratio beside it.
func (c cell) with(beside ratio) cell {
	c.beside = beside
	return c
}

// drainOf is the usual drain.
func (b *bench) drainOf(on place, size int, gso bool) drain {
	return drain{b: b, on: on, size: size, gso: gso, n: b.queue(size, gso), fills: b.effort(5, 2)}
}

func (b *bench) idleMachine(size int) group {
	return group{
		name:  fmt.Sprintf("drain, all cores, idle machine, %d B", size),
		still: true,
		round: b.drainOf(b.allPs(), size, false).round,
		cells: []cell{
			cpuRatio(1, sized("Messages+Release, idle", size), "messages", "net", "net", pick(size, 1.12, 1.14)).with(ratio{"naive", "naive", "net"}),
		},
		also: []string{"messages-1024"},
	}
}

func (b *bench) busyMachine(size int) group {
	return group{
		name:  fmt.Sprintf("drain, all cores, busy machine, %d B", size),
		panel: receiving,
		block: fmt.Sprintf("%d bytes", size),
		round: b.drainOf(b.allPs(), size, false).round,
		cells: []cell{
			cpuRatio(2, sized("Messages+Release, busy", size), "messages", "net", "net", pick(size, 1.20, 1.35)),
			cpuRatio(2, sized("Messages+Release, busy", size), "messages", "naive", "naive channel", 0.65),
			cpuRatio(3, sized("Messages without Release, busy", size), "messages-keep", "net", "net", pick(size, 1.40, 1.70)).with(ratio{"naive", "naive", "net"}),
			cpuRatio(12, sized("Receive, busy", size), "receive", "net", "ReadFromUDPAddrPort", 1.00),
			cpuRatio(12, sized("ReceiveBatch, busy", size), "receive-batch", "c-recvmmsg", "C recvmmsg", 1.15),
		},
		also: []string{"messages-1024", "all", "xnet", "gnet", "node", "c-recvmmsg"},
	}
}

func (b *bench) oneCore(size int) group {
	return group{
		name:  fmt.Sprintf("drain, one P, %d B", size),
		round: b.drainOf(b.oneP(), size, false).round,
		cells: []cell{
			cpuRatio(4, sized("Messages+Release, one P", size), "messages", "net", "net", pick(size, 0.96, 1.02)),
			cpuRatio(7, sized("All, one P", size), "all", "c-recvmmsg", "C recvmmsg", 1.15),
		},
		also: []string{"messages-keep", "naive", "xnet"},
	}
}

func (b *bench) burstsOneCore(size int) group {
	return group{
		name:  fmt.Sprintf("drain, one P, GSO-sent, %d B", size),
		round: b.drainOf(b.oneP(), size, true).round,
		cells: []cell{
			cpuRatio(8, sized("All, GSO-sent, one P", size), "all", "c-gro", "C recvmmsg+GRO", pick(size, 1.70, 1.30)),
			cpuRatio(9, sized("Messages+Release, GSO-sent, one P", size), "messages", "net", "net", pick(size, 0.14, 0.28)),
		},
	}
}

func (b *bench) burstsEverywhere(size int) group {
	return group{
		name:  fmt.Sprintf("drain, all cores, busy machine, GSO-sent, %d B", size),
		panel: receiving,
		block: fmt.Sprintf("%d bytes, sent in bursts of 32", size),
		round: b.drainOf(b.allPs(), size, true).round,
		cells: []cell{
			cpuRatio(9, sized("Messages+Release, GSO-sent, busy", size), "messages", "net", "net", pick(size, 0.19, 0.35)),
		},
		also: []string{"naive", "all", "xnet", "gnet", "node", "c-gro"},
	}
}

// working is a consumer that works for each datagram: what counts is when it is done.
func (b *bench) working(ns int) group {
	d := b.drainOf(b.allPs(), 64, false)
	d.work = ns
	d.n = func(string) int { return b.effort(4096, 2048) }
	return group{
		name:  fmt.Sprintf("drain, all cores, busy machine, 64 B, %d µs of work for each", ns/1000),
		round: d.round,
		cells: []cell{
			{row: 5, what: fmt.Sprintf("Messages+Release, a consumer that works %d µs: time", ns/1000), ours: "messages", theirs: "net",
				neighbor: "net", metric: wall, target: atMost(map[int]float64{1000: 0.83, 5000: 1.00}[ns]), beside: ratio{"naive", "naive", "net"}},
		},
	}
}

func (b *bench) view(any bool) group {
	d := b.drainOf(b.allPs(), 64, false)
	d.any = any
	where, limit := "one address", 1.05
	if any {
		where, limit = "wildcard", 1.15
	}
	return group{
		name:  "drain, all cores, busy machine, 64 B, ReadFrom on " + where,
		round: d.round,
		cells: []cell{
			cpuRatio(13, "PacketConn's ReadFrom, "+where, "view", "net-readfrom", "net's ReadFrom", limit),
		},
	}
}

func (b *bench) roundTrip(on place) group {
	what, limit := "one P", 0.92
	if on.procs > 1 {
		what, limit = "all cores, busy", 1.00
	}
	return group{
		name:  "echo, 64 B, server on " + what,
		round: echoed{b: b, on: on, turns: b.effort(12, 4), pings: 250}.round,
		cells: []cell{
			{row: 6, what: "echo round trip p50, Messages+Reply, " + what, ours: "messages", theirs: "net",
				neighbor: "net loop", metric: p50, target: atMost(limit), beside: ratio{"naive", "naive", "net"}},
		},
		also: []string{"gnet", "node"},
	}
}

func (b *bench) frozen(size int) group {
	d := b.drainOf(b.oneP(), size, false)
	d.frozen = true
	return group{
		name:  fmt.Sprintf("drain, one P, frozen while it fills, %d B", size),
		round: d.round,
		cells: []cell{
			cpuRatio(21, sized("Messages+Release, one P, frozen while the queue fills", size), "messages", "net", "net", pick(size, 1.02, 1.08)),
		},
	}
}

func (b *bench) goodput(size int) group {
	against := func(theirs, neighbor string, times float64) cell {
		return cell{row: 22, what: sized("goodput under a GSO flood, Messages+Release", size), ours: "messages", theirs: theirs,
			neighbor: neighbor, metric: rate, target: atLeast(times), beside: ratio{"C", "c-gro", theirs}}
	}
	return group{
		name:  fmt.Sprintf("flood, GSO-sent datagrams, %d B, receiver on one core", size),
		round: flooded{b: b, size: size, long: time.Duration(b.effort(300, 100)) * time.Millisecond}.round,
		cells: []cell{against("net", "net", pick(size, 6, 5)), against("gnet", "gnet", pick(size, 10, 7)), against("node", "Node dgram", pick(size, 13, 10))},
		also:  []string{"all"},
	}
}

func (b *bench) receiveAllocations(size int) group {
	ask := func(what, ours string) cell {
		limit := 0.02
		if ours == "messages-keep" {
			limit = pick(size, 0.02, 0.085) // blocks of 16 KiB hold 1200 bytes 13 times
		}
		return cell{row: 23, what: sized("allocations per datagram, "+what, size), ours: ours, metric: allocs, target: atMost(limit)}
	}
	d := b.drainOf(b.oneP(), size, false)
	d.allocs = true
	return group{
		name:  fmt.Sprintf("allocations receiving, %d B", size),
		round: d.round,
		cells: []cell{ask("Messages+Release", "messages"), ask("Messages without Release", "messages-keep"),
			{row: 12, what: sized("allocations per datagram, Receive", size), ours: "receive", metric: allocs, target: atMost(0.02)}},
		also: []string{"net", "naive", "xnet"},
	}
}
