package main

import (
	"fmt"
	"time"
)

func (b *bench) memoryGroups() []group {
	return []group{b.receiveCalls(), b.idleSockets(), b.activeSockets(), b.keptMessages(), b.fullChannel()}
}

func (b *bench) receiveCalls() group {
	return group{
		name:  "trickle, 3000 datagrams a second",
		round: trickle{b: b, gap: time.Second / 3000, n: b.effort(2000, 600), size: 64}.round,
		cells: []cell{
			{row: 14, what: "receive calls per datagram at 3000/s", ours: "messages",
				neighbor: "(net: 2.0)", metric: calls, target: atMost(1.0)},
		},
	}
}

func (b *bench) idleSockets() group {
	return group{
		name:  "idle, 10 000 sockets",
		slow:  true,
		round: idle{b: b}.round,
		cells: []cell{
			{row: 14, what: "heap+stack of an idle socket with a waiting consumer, of 10 000", ours: "messages@10000",
				metric: memory, target: atMostBytes(16 << 10)},
		},
		also: []string{"net@10000"},
	}
}

func (b *bench) activeSockets() group {
	return group{
		name:  "scale, 64 B to each socket in turn, one P",
		slow:  true,
		round: scaled{b: b, gap: 15 * time.Microsecond, n: 10000, turns: b.effort(4, 1)}.round,
		cells: []cell{
			{row: 15, what: "CPU per datagram, 10 000 active sockets ÷ 1", ours: "messages@10000", theirs: "messages@1",
				neighbor: "1, less net's own growth", metric: cpu, target: atMost(0.04), less: ratio{"net", "net@10000", "net@1"},
				beside: ratio{"net's growth", "net@10000", "net@1"}},
		},
	}
}

// atMostBytes is the most that something may hold.
func atMostBytes(n float64) target { return target{value: n, unit: " B"} }

func (b *bench) keptMessages() group {
	g := group{name: "a message that is kept, 1 of 100", still: true, round: kept{b}.round}
	for _, k := range []struct {
		size, burst int
		limit       float64
	}{{20, 1, 3.2e3}, {200, 1, 5e3}, {1200, 1, 17e3}, {1200, 8, 17e3}, {1200, 32, 74e3}} {
		what := fmt.Sprintf("a kept message of %d B holds", k.size)
		if k.burst > 1 {
			what += fmt.Sprintf(", sent in bursts of %d", k.burst)
		}
		g.cells = append(g.cells, cell{row: 16, what: what, ours: fmt.Sprintf("kept@%dx%d", k.size, k.burst), metric: held, target: atMostBytes(k.limit)})
	}
	return g
}

func (b *bench) fullChannel() group {
	return group{
		name:  "a full channel of 4096, WithMaxDatagram(100)",
		still: true,
		round: kept{b}.round,
		cells: []cell{
			{row: 17, what: "4096 waiting datagrams of 8 KiB, WithMaxDatagram(100), hold", ours: "full@8192/100", metric: held, target: atMostBytes(2 << 20)},
			{row: 17, what: "4096 waiting datagrams of 100 B, WithMaxDatagram(100), hold", ours: "full@100/100", metric: held, target: atMostBytes(2 << 20)},
		},
	}
}
