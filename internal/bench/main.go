// Bench measures dgram against its neighbors, as programs run: on all cores, with default
// options, on an idle machine and on one that has other work too.
//
//	go run .                 the whole table, under 10 minutes
//	go run . -quick          the same in under a minute: fewer rounds, wider spread
//	go run . -only 1,5       some rows
//	go run . -cores          what more readers and receivers bring, on many cores
//	go run . -other PROGRAM  the same beside another build of this program
//	go run . -o ../../docs   also write benchmarks.md and benchmarks.svg there: the committed page
//
// The neighbors are Go's net, the channel that everyone writes around it (naive), x/net's
// ReadBatch and WriteBatch, gnet, pion/transport, Node's dgram and a small C program. What is not on the
// machine is skipped, with the reason. Linux only; run it as root for receive buffers
// beyond rmem_max.
//
// # How a figure comes about
//
// Every receiver and sender is a process of its own: this binary again, in a role
// (roles.go), or the C program, or Node. They talk in lines over their pipes (child.go,
// meter.go). A round measures all the variants of a group in turn, several times over, so
// that what disturbs one disturbs its neighbor too; the figure is the median, over the
// rounds, of the ratio within a round (group.go). Processes are new in every round. The
// machine is busy where a group does not say otherwise: one SCHED_IDLE spinner on each CPU
// (spin.go), which also keeps a virtual CPU from halting.
//
// # Where to read on
//
// rows*.go are the table: what is measured, against which neighbor, and the target.
// drain.go, flood.go, echo.go, send.go, many.go, peers.go, kept.go and trickle.go are the
// methods, one a file. ours*.go is all the code that uses dgram, neighbors_*.go all that does not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		playRole(os.Args[2:])
		return
	}
	opts, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	rounds int
	quick  bool
	only   []int  // rows; empty means all
	dir    string // where files go; empty means nowhere
	cores  bool   // the experiment for many cores, and nothing else
	other  string // another build of this program, to compare ours with
	ip     string // the loopback address that carries the traffic
}

func parseFlags(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.IntVar(&o.rounds, "rounds", 0, "alternating rounds a row (default 9, with -quick 3)")
	fs.BoolVar(&o.quick, "quick", false, "under a minute: fewer and shorter rounds, no reference variants")
	fs.StringVar(&o.dir, "o", "", "write benchmarks.md and benchmarks.svg to this `directory`")
	fs.StringVar(&o.other, "other", "", "compare with another build of this `program`: its figure stands beside each")
	fs.BoolVar(&o.cores, "cores", false, "the experiment for machines with many cores, instead of the table")
	only := fs.String("only", "", "measure these `rows` alone, as in 1,5,8")
	family := fs.Int("family", 4, "4 for 127.0.0.1, 6 for ::1")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: go run . [flags]\n\nMeasures dgram against its neighbors and prints a table. Flags:")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("no such argument: %s", fs.Arg(0))
	}
	for _, field := range strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' }) {
		row, err := strconv.Atoi(field)
		if err != nil {
			return o, fmt.Errorf("-only %s: %w", *only, err)
		}
		o.only = append(o.only, row)
	}
	switch *family {
	case 4:
		o.ip = "127.0.0.1"
	case 6:
		o.ip = "::1"
	default:
		return o, fmt.Errorf("-family %d: want 4 or 6", *family)
	}
	if o.rounds <= 0 {
		o.rounds = 9
		if o.quick {
			o.rounds = 3
		}
	}
	return o, nil
}

func (o options) wants(row int) bool {
	return len(o.only) == 0 || slices.Contains(o.only, row)
}

func run(ctx context.Context, opts options) error {
	began := time.Now()
	b, err := newBench(opts)
	if err != nil {
		return err
	}
	defer b.close()

	if opts.cores {
		return b.measureCores(ctx)
	}
	var results []result
	var figures []figure
	for _, g := range b.groups() {
		rs, fs := b.measure(ctx, g)
		results = append(results, rs...)
		figures = append(figures, fs...)
		if ctx.Err() != nil {
			break // what has been measured is reported
		}
	}
	if len(results) == 0 {
		return fmt.Errorf("no rows %v", opts.only)
	}
	slices.SortStableFunc(results, func(a, b result) int { return a.row - b.row })

	r := report{machine: describeMachine(b), facts: b.facts, rounds: opts.rounds, took: time.Since(began), results: results, figures: figures}
	fmt.Print(r.markdown())
	if opts.dir != "" {
		if err := os.MkdirAll(opts.dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(opts.dir, "benchmarks.md"), []byte(r.markdown()), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(opts.dir, "benchmarks.svg"), []byte(r.chart()), 0o644); err != nil {
			return err
		}
	}
	return r.failures()
}
