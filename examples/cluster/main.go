// Cluster shares one UDP port between worker processes.
//
//	go run ./examples/cluster               four workers share one socket
//	go run ./examples/cluster -reuseport    each has its own, and the kernel balances
//
// Both are a demonstration that asks the workers itself and ends with a summary
// of the answers of each. To keep the workers until Ctrl-C:
//
//	go run ./examples/cluster -listen 127.0.0.1:41234
//
// Without -reuseport the parent binds the port and hands the socket down: any
// worker that is free takes the next datagram. With it, every sender has one
// worker that it always reaches.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

func main() { program.Main("cluster", run) }

// options are what the command line says.
type options struct {
	listen    string
	workers   int
	reuseport bool
	clients   int
	questions int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := program.Flags("cluster", "Cluster shares one UDP port between worker processes. Without -listen it asks them itself, and prints who answered how often.", stdout)
	flags.StringVar(&o.listen, "listen", "", "serve at this `address` until interrupted")
	flags.IntVar(&o.workers, "workers", 4, "`processes` that share the port")
	flags.BoolVar(&o.reuseport, "reuseport", false, "give each worker a socket of its own (SO_REUSEPORT)")
	flags.IntVar(&o.clients, "clients", 32, "`sockets` that ask, in the demonstration")
	flags.IntVar(&o.questions, "n", 50, "`questions` that each asks")
	worker := flags.String("worker", "", "be the worker with this `name` (for the parent's use)")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	if o.workers < 1 {
		return program.Usagef("there must be a worker")
	}
	if *worker != "" {
		return work(*worker, o, os.Stdin, stdout)
	}
	return lead(ctx, o, stdout)
}

// lead is the parent process.
func lead(ctx context.Context, o options, stdout io.Writer) error {
	var opts []udp.Option
	if o.reuseport {
		opts = append(opts, udp.WithReusePort())
	}
	s, err := udp.Listen(ctx, "udp4", cmp.Or(o.listen, "127.0.0.1:0"), opts...)
	if err != nil {
		return err
	}
	defer s.Close()
	local := s.LocalAddr()
	var file *os.File
	if !o.reuseport {
		if file, err = s.File(); err != nil { // a duplicate, for the workers
			return err
		}
		defer file.Close()
	}

	// Each worker's standard input is a pipe from here. Its end tells them that
	// the parent has gone, however it went.
	var crew []*member
	defer func() {
		for _, m := range crew {
			m.stdin.Close()
		}
		for _, m := range crew {
			_ = m.cmd.Wait() // how a worker ends is its own affair
		}
	}()
	for i := range o.workers {
		m, err := hire(fmt.Sprintf("worker-%d", i+1), local.String(), file)
		if err != nil {
			return err
		}
		crew = append(crew, m)
		fmt.Fprintf(stdout, "%s is process %d\n", m.name, m.cmd.Process.Pid)
	}
	// From here on the port is the workers'. The parent must not keep a socket
	// that shares it: the kernel would give it datagrams, and the parent reads none.
	s.Close()
	if file != nil {
		file.Close()
	}
	fmt.Fprintf(stdout, "listening on %v\n", local)

	if o.listen != "" {
		<-ctx.Done()
		return nil
	}
	err = demo(ctx, local.String(), o, stdout)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
