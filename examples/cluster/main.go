// Cluster shares one UDP port between worker processes.
//
//	go run ./examples/cluster               four workers share one socket
//	go run ./examples/cluster -reuseport    each has its own, and the kernel balances
//
// Both are a demonstration that asks the workers itself and ends with a summary
// of who answered how often. To keep the workers until Ctrl-C:
//
//	go run ./examples/cluster -listen 127.0.0.1:41234
//
// Without -reuseport the parent binds the port and hands the socket down: any
// worker that is free takes the next datagram. With it, every sender has one
// worker that it always reaches.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"example.com/dgram/udp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "cluster:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is the fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

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
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, "Cluster shares one UDP port between worker processes.")
		fmt.Fprintln(stdout, "Without -listen it asks them itself, and prints who answered how often.")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.listen, "listen", "", "serve at this `address` until interrupted")
	flags.IntVar(&o.workers, "workers", 4, "`processes` that share the port")
	flags.BoolVar(&o.reuseport, "reuseport", false, "give each worker a socket of its own (SO_REUSEPORT)")
	flags.IntVar(&o.clients, "clients", 32, "`sockets` that ask, in the demonstration")
	flags.IntVar(&o.questions, "n", 50, "`questions` that each asks")
	worker := flags.String("worker", "", "be the worker with this `name` (for the parent's use)")
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	if flags.NArg() > 0 {
		return usageError{fmt.Errorf("what is %q?", flags.Arg(0))}
	}
	if o.workers < 1 {
		return usageError{errors.New("there must be a worker")}
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
	local, err := s.LocalAddr()
	if err != nil {
		return err
	}
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
			m.cmd.Wait()
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
	// that shares it: the kernel would send it datagrams that nobody reads.
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

// A member is a worker as its parent sees it.
type member struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
}

// hire starts a worker and waits until it listens.
func hire(name, address string, socket *os.File) (*member, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-worker", name)
	cmd.Stderr = os.Stderr
	if socket != nil {
		cmd.ExtraFiles = []*os.File{socket} // descriptor 3 in the child
	} else {
		cmd.Args = append(cmd.Args, "-reuseport", "-listen", address)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		stdin.Close()
		return nil, fmt.Errorf("%s has not started: %w", name, errors.Join(err, cmd.Wait()))
	}
	return &member{name, cmd, stdin}, nil
}
