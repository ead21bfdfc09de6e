package main

func (b *bench) sessionGroups() []group {
	return []group{b.manyPeers(), b.idleSession()}
}

func (b *bench) manyPeers() group {
	const what = "a datagram of 10 000 peers by turns, a session and a goroutine each"
	return group{
		name:  "10 000 peers of one socket, 64 B, all cores",
		slow:  true,
		round: peers{b: b, count: 10_000, part: 100, n: 50_000, turns: b.effort(20, 2)}.round,
		cells: []cell{
			{row: 18, what: what, ours: "sessions", theirs: "messages",
				neighbor: "Messages, one goroutine", metric: cpu, target: atMost(1.25)},
			{row: 19, what: what, ours: "sessions", theirs: "pion",
				neighbor: "pion/transport's listener", metric: cpu, target: atMost(1)},
		},
		also: []string{"sessions-receive"},
	}
}

func (b *bench) idleSession() group {
	return group{
		name:  "idle, 10 000 sessions",
		still: true,
		round: kept{b}.round,
		cells: []cell{
			{row: 20, what: "an idle session, of 10 000, holds", ours: "session@10000", metric: held, target: atMostBytes(512)},
		},
	}
}
