// Syslog collects log messages (RFC 3164 and RFC 5424), prints them, and counts
// them by sender.
//
//	go run ./examples/syslog                         collect at 127.0.0.1:5514, until Ctrl-C
//	go run ./examples/syslog -listen :514 -min err   only errors and worse
//
// To send it something:
//
//	logger -d -n 127.0.0.1 -P 5514 -p daemon.err -t backup "the disk is full"
package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("syslog", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("syslog", "Syslog collects log messages until Ctrl-C, and counts who sends how many.", stdout)
	listen := flags.String("listen", "127.0.0.1:5514", "`address` to collect at")
	least := flags.String("min", "debug", "the least `severity` to print: "+strings.Join(severities(), ", "))
	live := flags.Bool("live", program.Terminal(stdout), "keep a line with the counts at the bottom")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	limit := slices.Index(severities(), *least)
	if limit < 0 {
		return program.Usagef("there is no severity %q", *least)
	}

	// Logs come in bursts, when something breaks and they matter most: room in
	// the kernel's buffer keeps what this program is too slow for.
	s, err := udp.Listen(ctx, "udp", *listen, udp.WithReadBuffer(4<<20))
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	fmt.Fprintf(stdout, "collecting at %v\n", local)
	c := collector{socket: s, out: stdout, limit: limit, live: *live, sources: map[netip.Addr]*source{}}
	c.collect()
	c.summary()
	return s.Err()
}
