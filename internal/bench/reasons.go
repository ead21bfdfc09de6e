package main

import (
	"fmt"
	"strings"
)

// reason says why a row may stay short of its target, in terms of what the run has
// measured. The targets come from a machine on which a system call costs two to three
// times as much as a hop through a channel; where it costs about the same, saving calls
// does not pay for the hop.
func reason(row int) string {
	switch row {
	case 1, 3:
		return "The kernel's share is the same for both sides. What fewer calls save of net's own cost is less, where a " +
			"call is as cheap as here, than the hop through a channel. A goroutine switch comes every 15 datagrams; with " +
			"`WithMessageBuffer(64)` it comes every 64, and an idle socket costs 6 KiB more (row 13)."
	case 2:
		return "As row 1. At 1200 B, memory that is not released comes from the garbage collector: a block for 54 datagrams."
	case 4, 6:
		return "The C program looks at nothing: a burst is one buffer to it. `All` hands over each datagram as a value of its " +
			"own, with its sender parsed, its bytes owned and a way to give them back."
	case 5, 7:
		return "A hop through a channel for each datagram is the larger part of what a burst costs. `All` has no hop: its " +
			"figures are below."
	case 8:
		return "A hop through a channel and a copy into the burst, for each datagram."
	case 10:
		return "A context, a closed socket, a connected one, a block list and the statistics are looked at for each datagram."
	case 11:
		return "A switch from the reader to the receiver of a message, in every round trip."
	case 14:
		return "What a datagram finds cold when 10 000 sockets take turns: two stacks, a channel, a socket."
	}
	return ""
}

// reasons is the paragraph for the rows that are short.
func (r report) reasons() string {
	var w strings.Builder
	last := ""
	for _, res := range r.results {
		why := reason(res.row)
		if res.problem != "" || res.verdict() != "short" || why == "" || why == last {
			continue
		}
		fmt.Fprintf(&w, "- **%d** %s\n", res.row, why)
		last = why
	}
	if w.Len() == 0 {
		return ""
	}
	return "\n## Why some rows are short\n\n" + w.String()
}
