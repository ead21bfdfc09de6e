package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"example.com/dgram/udp"
)

// A collector prints and counts.
type collector struct {
	socket  *udp.Socket
	out     io.Writer
	limit   int  // the least severity that is printed
	live    bool // the last line shows the counts
	total   uint64
	sources map[netip.Addr]*source
	others  uint64 // messages of senders that are not in sources
}

// A source is one sender.
type source struct {
	count uint64
	worse uint64 // messages of severity error or higher
}

// Anybody can write any address into a datagram, so the map must not grow with
// what they think up.
const maxSources = 4096

// collect runs until the socket ends. One goroutine has it all: no locks.
func (c *collector) collect() {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	messages := c.socket.Messages()
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				return
			}
			c.take(m.From.Addr(), parse(m.Data))
			m.Release()
		case <-second.C:
			c.status()
		}
	}
}

// take counts a message and prints it.
func (c *collector) take(from netip.Addr, e entry) {
	c.total++
	src := c.sources[from]
	switch {
	case src == nil && len(c.sources) == maxSources:
		c.others++
		src = &source{} // counted here and dropped
	case src == nil:
		src = &source{}
		c.sources[from] = src
	}
	src.count++
	if e.severity <= slices.Index(severities(), "err") {
		src.worse++
	}
	if e.severity > c.limit {
		return
	}
	if c.live {
		fmt.Fprint(c.out, "\r\x1b[K") // the message takes the place of the counts
	}
	fmt.Fprintf(c.out, "%v %s.%s %s\n", from, e.facilityName(), e.severityName(), printable(e.text()))
	c.status()
}

// status is the live line.
func (c *collector) status() {
	if c.live {
		lost := c.socket.Stats().DroppedKernel
		fmt.Fprintf(c.out, "\r\x1b[K%d messages from %d sources, %d lost", c.total, len(c.sources), lost)
	}
}

// summary is a table of the ten busiest sources.
func (c *collector) summary() {
	if c.live {
		fmt.Fprintln(c.out)
	}
	addrs := make([]netip.Addr, 0, len(c.sources))
	for a := range c.sources {
		addrs = append(addrs, a)
	}
	slices.SortFunc(addrs, func(a, b netip.Addr) int {
		if d := int64(c.sources[b].count) - int64(c.sources[a].count); d != 0 {
			return int(d)
		}
		return a.Compare(b)
	})
	for _, a := range addrs[:min(10, len(addrs))] {
		fmt.Fprintf(c.out, "%8d from %v, %d of them errors\n", c.sources[a].count, a, c.sources[a].worse)
	}
	if c.others > 0 {
		fmt.Fprintf(c.out, "%8d from more sources than can be counted\n", c.others)
	}
	stats := c.socket.Stats()
	fmt.Fprintf(c.out, "%8d in all, %d lost\n", c.total, stats.DroppedKernel+stats.DroppedClosed)
}

// printable replaces what a terminal would obey: a log message must not be
// able to rewrite those before it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '.'
		}
		return r
	}, strings.ToValidUTF8(text, "."))
}
