package main

import (
	"fmt"
	"time"
)

// groups is the table, method by method: which variants run against each other, which
// row of the table asks what about them, and its target.
func (b *bench) groups() []group {
	var all []group
	for _, size := range []int{64, 1200} {
		all = append(all, b.ordinary(size), b.ordinaryTwoPs(size), b.offloaded(size))
	}
	for _, size := range []int{64, 1200} {
		all = append(all, b.goodput(size))
	}
	for _, size := range []int{64, 1200} {
		all = append(all, b.outboxToOnePeer(size), b.outboxToTwoPeers(size), b.sendCalls(size))
	}
	all = append(all, b.roundTrip(), b.receiveCalls(), b.idleSockets(), b.activeSockets())
	for _, size := range []int{64, 1200} {
		all = append(all, b.receiveAllocations(size), b.sendAllocations(size))
	}
	return all
}

// pick takes the target that belongs to a size.
func pick(size int, small, large float64) float64 {
	if size == 64 {
		return small
	}
	return large
}

// effort is a smaller effort for -quick.
func (b *bench) effort(whole, quick int) int {
	if b.opts.quick {
		return quick
	}
	return whole
}

// roomy is what the channel costs where memory for idle sockets is no concern.
var roomy = beside{"WithMessageBuffer(256)", "messages-256", "net"}

func (b *bench) ordinary(size int) group {
	return group{
		name:  fmt.Sprintf("drain, ordinary datagrams, %d B, one P", size),
		round: drain{b: b, on: b.oneP(), size: size, n: b.queue(size, false), fills: b.effort(9, 4)}.round,
		cells: []cell{
			{row: 1, what: named("Messages+Release, ordinary, one P", size), ours: "messages", theirs: "net",
				neighbour: "net", metric: cpu, target: atMost(pick(size, 0.85, 0.87)), floor: "c-recvmmsg", beside: roomy},
			{row: 2, what: named("Messages without Release, ordinary, one P", size), ours: "messages-keep", theirs: "net",
				neighbour: "net", metric: cpu, target: atMost(pick(size, 0.90, 1.00)), floor: "c-recvmmsg"},
			{row: 4, what: named("All, ordinary, one P", size), ours: "all", theirs: "c-recvmmsg",
				neighbour: "C recvmmsg", metric: cpu, target: atMost(1.15)},
		},
		also: []string{"xnet"},
	}
}

func (b *bench) ordinaryTwoPs(size int) group {
	return group{
		name:  fmt.Sprintf("drain, ordinary datagrams, %d B, two Ps", size),
		round: drain{b: b, on: b.allPs(), size: size, n: b.queue(size, false), fills: b.effort(15, 5)}.round,
		cells: []cell{
			{row: 3, what: named("Messages+Release, ordinary, two Ps", size), ours: "messages", theirs: "net",
				neighbour: "net", metric: cpu, target: atMost(pick(size, 1.10, 1.05)), beside: roomy},
		},
	}
}

func (b *bench) offloaded(size int) group {
	return group{
		name:  fmt.Sprintf("drain, GSO-sent datagrams, %d B, one P", size),
		round: drain{b: b, on: b.oneP(), size: size, gso: true, n: b.queue(size, true), fills: b.effort(9, 4)}.round,
		cells: []cell{
			{row: 5, what: named("Messages+Release, GSO-sent, one P", size), ours: "messages", theirs: "net",
				neighbour: "net", metric: cpu, target: atMost(pick(size, 0.09, 0.15)), floor: "c-gro", beside: roomy},
			{row: 6, what: named("All, GSO-sent, one P", size), ours: "all", theirs: "c-gro",
				neighbour: "C recvmmsg+GRO", metric: cpu, target: atMost(pick(size, 1.25, 1.15))},
		},
	}
}

func (b *bench) goodput(size int) group {
	against := func(theirs, neighbour string, times float64) cell {
		return cell{row: 7, what: named("goodput under a GSO flood, Messages+Release", size), ours: "messages", theirs: theirs,
			neighbour: neighbour, metric: rate, target: atLeast(times), beside: beside{"C", "c-gro", theirs}}
	}
	return group{
		name:  fmt.Sprintf("flood, GSO-sent datagrams, %d B, receiver on one core", size),
		round: flooded{b: b, size: size, long: time.Duration(b.effort(400, 200)) * time.Millisecond}.round,
		cells: []cell{against("net", "net", 6), against("gnet", "gnet v2.9", 13), against("node", "Node dgram", 15)},
		also:  []string{"all"},
	}
}

func (b *bench) outboxToOnePeer(size int) group {
	ask := func(what string, m metric, t target) cell {
		return cell{row: 8, what: named("Outbox, one peer and size, "+what, size), ours: "outbox", theirs: "net-writeto",
			neighbour: "WriteTo", metric: m, target: t}
	}
	onCPU := ask("CPU", cpu, atMost(pick(size, 0.04, 0.06)))
	onCPU.floor = "c-gso"
	return group{
		name:  fmt.Sprintf("send to one live peer, %d B", size),
		round: sent{b: b, size: size, peers: 1, live: true, n: 10000, turns: b.effort(5, 3)}.round,
		cells: []cell{onCPU, ask("rate", rate, atLeast(16))},
		also:  []string{"xnet", "c-sendmmsg", "c-gso"},
	}
}

func (b *bench) outboxToTwoPeers(size int) group {
	return group{
		name:  fmt.Sprintf("send to two quiet peers in turn, %d B", size),
		round: sent{b: b, size: size, peers: 2, n: 8000, turns: b.effort(9, 4)}.round,
		cells: []cell{
			{row: 9, what: named("Outbox, nothing to coalesce", size), ours: "outbox", theirs: "net-writeto",
				neighbour: "WriteTo", metric: cpu, target: atMost(1.05)},
		},
		also: []string{"xnet"},
	}
}

func (b *bench) sendCalls(size int) group {
	return group{
		name:  fmt.Sprintf("send to a quiet peer, %d B", size),
		round: sent{b: b, size: size, peers: 1, n: 8000, turns: b.effort(9, 4)}.round,
		cells: []cell{
			{row: 10, what: named("SendTo", size), ours: "sendto", theirs: "net-writeto",
				neighbour: "WriteToUDPAddrPort", metric: cpu, target: atMost(1.00)},
			{row: 10, what: named("Send, connected", size), ours: "send", theirs: "net-write",
				neighbour: "Write", metric: cpu, target: atMost(1.00)},
		},
	}
}

func (b *bench) roundTrip() group {
	return group{
		name:  "echo, 64 B, server on one P",
		round: echoed{b: b, turns: b.effort(12, 6), pings: 250}.round,
		cells: []cell{
			{row: 11, what: "echo round trip p50, Messages+Reply, one P", ours: "messages", theirs: "net",
				neighbour: "net loop", metric: p50, target: atMost(1.03)},
		},
		also: []string{"gnet", "node"},
	}
}

func (b *bench) receiveCalls() group {
	return group{
		name:  "trickle, 3000 datagrams a second",
		round: trickle{b: b, gap: time.Second / 3000, n: b.effort(2000, 1000), size: 64}.round,
		cells: []cell{
			{row: 12, what: "receive calls per datagram at 3000/s", ours: "messages",
				neighbour: "(net: 2.0)", metric: calls, target: atMost(1.05)},
		},
	}
}

func (b *bench) idleSockets() group {
	limit := atMost(9 * 1000)
	limit.unit = " B"
	return group{
		name:  "idle, 10 000 sockets",
		round: idle{b: b}.round,
		cells: []cell{
			{row: 13, what: "heap+stack of an idle socket with a waiting consumer, of 10 000", ours: "messages@10000",
				metric: memory, target: limit},
		},
		also: []string{"net@10000"},
	}
}

func (b *bench) activeSockets() group {
	return group{
		name:  "scale, 64 B to each socket in turn, one P",
		round: scaled{b: b, gap: 15 * time.Microsecond, n: 10000, turns: b.effort(4, 2)}.round,
		cells: []cell{
			{row: 14, what: "CPU per datagram at 10 000 active sockets", ours: "messages@10000", theirs: "messages@1",
				neighbour: "itself at 1", metric: cpu, target: atMost(1.10), beside: beside{"net", "net@10000", "net@1"}},
		},
	}
}

func (b *bench) receiveAllocations(size int) group {
	ask := func(what, ours string) cell {
		return cell{row: 15, what: named("allocations per datagram, "+what, size), ours: ours, metric: allocs, target: atMost(0.02)}
	}
	return group{
		name:  fmt.Sprintf("allocations receiving, %d B", size),
		round: drain{b: b, on: b.oneP(), size: size, n: b.queue(size, false), fills: 4, allocs: true}.round,
		cells: []cell{ask("Messages+Release", "messages"), ask("Messages without Release", "messages-keep")},
		also:  []string{"net", "xnet"},
	}
}

func (b *bench) sendAllocations(size int) group {
	ask := func(what, ours string) cell {
		return cell{row: 15, what: named("allocations per datagram, "+what, size), ours: ours, metric: allocs, target: atMost(none)}
	}
	return group{
		name:  fmt.Sprintf("allocations sending, %d B", size),
		round: sent{b: b, size: size, peers: 1, n: 10000, turns: 2, allocs: true}.round,
		cells: []cell{ask("SendTo", "sendto"), ask("Outbox", "outbox")},
		also:  []string{"net-writeto", "xnet"},
	}
}

// none is zero allocations a datagram, with room for what a process allocates by itself.
const none = 0.001

// queue says how many datagrams a fill has: enough to drown the receiver's waking up, few
// enough that their memory in the kernel stays in the CPU's caches and in the receive buffer.
// A receiver that takes GSO bursts whole has its queue filled with more datagrams, as it
// would else be done at once; the others find them cut up, each in memory of its own.
func (b *bench) queue(size int, gso bool) func(variant string) int {
	return func(variant string) int {
		whole := gso && variant != "net"
		n, memory := 8192, 768 // the kernel's, a datagram
		switch {
		case whole && size == 64:
			n, memory = 32768, 4352/segments
		case whole:
			n, memory = 8192, 65536/segments
		case size > 64:
			n, memory = 4096, 2304
		}
		room := 2 * max(b.room, -b.room) // the kernel doubles what it is asked for
		if fits := room / memory * 3 / 4; n > fits {
			n = fits / burst * burst
		}
		return n
	}
}

func named(what string, size int) string { return fmt.Sprintf("%s, %d B", what, size) }
