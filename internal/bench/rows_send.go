package main

import "fmt"

const sending = "Sending"

func (b *bench) sendGroups() []group {
	var all []group
	for _, size := range sizes {
		all = append(all, b.outbox(size, b.senderP()), b.outbox(size, b.allPs()))
	}
	for _, size := range sizes {
		all = append(all, b.outboxToTwoPeers(size), b.sendCalls(size), b.sendAllocations(size))
	}
	return all
}

func (b *bench) outbox(size int, on place) group {
	what, small, large := "one P", 0.08, 0.12
	if on.procs > 1 {
		what, small, large = "all cores", 0.10, 0.17
	}
	g := group{
		name:  fmt.Sprintf("send to one live peer, %s, %d B", what, size),
		round: sent{b: b, on: on, size: size, peers: 1, live: true, n: 10000, turns: b.effort(3, 2)}.round,
		cells: []cell{{row: 10, what: sized("Outbox, "+what, size), ours: "outbox", theirs: "net-writeto",
			neighbor: "WriteTo", metric: cpu, target: atMost(pick(size, small, large)), beside: ratio{"C GSO", "c-gso", "net-writeto"}}},
	}
	if on.procs == 1 {
		g.cells = append(g.cells, cell{row: 11, what: sized("SendBatch, rate", size), ours: "sendbatch", theirs: "c-gso",
			neighbor: "C GSO 64x4", metric: rate, target: atLeast(pick(size, 1/2.5, 1/1.9))})
	} else {
		g.panel, g.block = sending, fmt.Sprintf("%d bytes, to one peer", size)
		g.also = []string{"sendbatch", "sendto", "naive", "xnet", "node", "c-sendmmsg"}
	}
	return g
}

func (b *bench) outboxToTwoPeers(size int) group {
	return group{
		name:  fmt.Sprintf("send to two quiet peers in turn, %d B", size),
		round: sent{b: b, on: b.senderP(), size: size, peers: 2, n: 8000, turns: b.effort(7, 2)}.round,
		cells: []cell{
			{row: 24, what: sized("Outbox, nothing to coalesce", size), ours: "outbox", theirs: "net-writeto",
				neighbor: "WriteTo", metric: cpu, target: atMost(1.05)},
		},
		also: []string{"xnet"},
	}
}

func (b *bench) sendCalls(size int) group {
	return group{
		name:  fmt.Sprintf("send to a quiet peer, %d B", size),
		round: sent{b: b, on: b.senderP(), size: size, peers: 1, n: 8000, turns: b.effort(7, 2)}.round,
		cells: []cell{
			{row: 25, what: sized("SendTo", size), ours: "sendto", theirs: "net-writeto",
				neighbor: "WriteToUDPAddrPort", metric: cpu, target: atMost(1.00)},
			{row: 25, what: sized("Send, connected", size), ours: "send", theirs: "net-write",
				neighbor: "Write", metric: cpu, target: atMost(1.00)},
		},
	}
}

func (b *bench) sendAllocations(size int) group {
	ask := func(what, ours string) cell {
		return cell{row: 23, what: sized("allocations per datagram, "+what, size), ours: ours, metric: allocs, target: atMost(none)}
	}
	return group{
		name:  fmt.Sprintf("allocations sending, %d B", size),
		round: sent{b: b, on: b.senderP(), size: size, peers: 1, n: 10000, turns: 2, allocs: true}.round,
		cells: []cell{ask("SendTo", "sendto"), ask("Outbox", "outbox"), ask("SendBatch", "sendbatch")},
		also:  []string{"net-writeto", "xnet"},
	}
}

// none is zero allocations a datagram, with room for what a process allocates by itself.
const none = 0.001
