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
			"call is as cheap as here, than the hop through a channel: the floor is what would be left if the library " +
			"itself cost nothing. A goroutine switch comes every 15 datagrams; with `WithMessageBuffer(256)` it comes " +
			"every 256, and an idle socket costs 30 KiB more (row 13). On two Ps the channel's lock travels between " +
			"the cores, and from round to round it depends on who runs where."
	case 2:
		return "As row 1. At 1200 B, memory that is not released comes from the garbage collector, a block for 54 datagrams, and is not in " +
			"the cache any more when it comes back."
	case 4, 6:
		return "The C program looks at nothing: a burst is one buffer to it. `All` hands over each datagram as a value of its " +
			"own, with its sender parsed, its bytes owned and a way to give them back; an atomic operation is the dearest of it."
	case 5:
		return "A hop through a channel for each datagram is the larger part of what a burst costs: see the floor. `All` has no " +
			"hop: its figures are below."
	case 7:
		return "The C program, which hands nothing over, has the ratio that is given beside. `All` is at or above it: its figures " +
			"are below. Messages has the hop on top."
	case 8:
		return "A hop through a channel and a copy into the burst, for each datagram: see the floor."
	case 10:
		return "A context, a closed socket, a connected one, a block list and the statistics are looked at for each datagram."
	case 11:
		return "A switch from the reader to the receiver of a message, in every round trip."
	case 14:
		return "What a datagram finds cold when 10 000 sockets take turns: two stacks, a channel, a socket. net's own growth " +
			"in the same run is given beside; it has one stack and no channel."
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
