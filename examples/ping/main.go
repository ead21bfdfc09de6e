// Ping measures round trips to an echo server: how long, how many are lost, and
// how much they vary.
//
//	go run ./examples/ping                                    a server on loopback
//	go run ./examples/ping -to 192.0.2.1:7 -n 100 -every 10ms any echo server
//
// It measures twice: with Send, which hands each datagram to the kernel before it
// returns, and through the Outbox, where a goroutine does that. The first is the
// shorter way for one datagram, the second for many at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/dgram/examples/internal/program"
)

func main() { program.Main("ping", run) }

// header is the size of what a probe begins with: the number of the program's run
// and that of the probe. Times are not sent, so that no answer can forge them.
const header = 16

// options are what the command line says.
type options struct {
	to    string
	over  string
	count int
	size  int
	every time.Duration
	wait  time.Duration
	drop  int
	live  bool
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := program.Flags("ping", "Ping measures round trips to an echo server, one on loopback unless -to says otherwise.", stdout)
	flags.StringVar(&o.to, "to", "", "`address` of an echo server")
	flags.StringVar(&o.over, "over", "both", "`way` to send: send, outbox, or both")
	flags.IntVar(&o.count, "n", 1000, "`probes` to send each way")
	flags.IntVar(&o.size, "size", 64, "`bytes` in a probe")
	flags.DurationVar(&o.every, "every", time.Millisecond, "`time` between probes")
	flags.DurationVar(&o.wait, "wait", time.Second, "`time` after which the last probe is lost")
	flags.IntVar(&o.drop, "drop", 0, "the server on loopback drops each `n`th probe")
	flags.BoolVar(&o.live, "live", program.Terminal(stdout), "show how far it is")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	ways := []string{o.over}
	switch {
	case o.over == "both":
		ways = []string{"send", "outbox"}
	case o.over != "send" && o.over != "outbox":
		return program.Usagef("there is no way %q", o.over)
	}
	if o.count < 1 || o.every <= 0 || o.size < header || o.size > 65507 {
		return program.Usagef("there must be a probe, time between probes, and %d to 65507 bytes in each", header)
	}
	if o.to == "" {
		server, err := echo(ctx, o.drop)
		if err != nil {
			return err
		}
		defer server.Close()
		address := server.LocalAddr()
		o.to = address.String()
	}
	answered := 0
	for _, way := range ways {
		fmt.Fprintf(stdout, "%s: %d probes of %d bytes, one every %v, over %s\n", o.to, o.count, o.size, o.every, way)
		r, err := measure(ctx, o, way, stdout)
		if err != nil && ctx.Err() == nil {
			return err
		}
		r.print(stdout)
		answered += len(r.trips)
		if ctx.Err() != nil {
			return nil // Ctrl-C: what there is has been printed
		}
	}
	if answered == 0 {
		return errors.New("no answers")
	}
	return nil
}
