// Package program is what the example programs have in common: the command line,
// Ctrl-C and the exit status.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A Func is a program. It runs until it has finished or ctx is done.
type Func func(ctx context.Context, args []string, stdout io.Writer) error

// Main runs a program with the process's arguments until it ends, is interrupted
// or is terminated. It sets the exit status: 2 for a wrong command line, 1 for any
// other error.
func Main(name string, f Func) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := Run(ctx, f, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	if errors.As(err, new(*UsageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// Run runs a program. An error that follows from the end of ctx is none: Ctrl-C is
// a regular way to end a program.
func Run(ctx context.Context, f Func, args []string, stdout io.Writer) error {
	err := f(ctx, args, stdout)
	if ctx.Err() != nil && !errors.As(err, new(*UsageError)) {
		return nil
	}
	return err
}

// Flags returns an empty set of flags that prints its help, which begins with
// about, to stdout.
func Flags(name, about string, stdout io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		fmt.Fprintln(stdout, about)
		flags.PrintDefaults()
	}
	return flags
}

// Parse parses a command line that has flags and nothing else.
func Parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return &UsageError{err}
	}
	if flags.NArg() > 0 {
		return Usagef("unexpected argument %q", flags.Arg(0))
	}
	return nil
}

// A UsageError is a mistake on the command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// Terminal reports whether w is a terminal.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
