package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/dgram/udp"
)

// work is a worker process. It answers with its name until its parent closes
// the pipe. A Ctrl-C at the terminal reaches it too, and it leaves that to the
// parent.
func work(name string, o options, parent io.Reader, stdout io.Writer) error {
	s, err := workplace(o)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, parent)
		s.Close()
	}()
	messages := s.Messages()
	fmt.Fprintln(stdout, "ready")
	for m := range messages {
		if err := s.Reply(context.Background(), m, []byte(name)); err != nil && s.Err() == nil {
			fmt.Fprintln(os.Stderr, name, err)
		}
	}
	return s.Err()
}

// workplace is the worker's socket: the parent's, or one beside the others'.
func workplace(o options) (*udp.Socket, error) {
	if o.reuseport {
		return udp.Listen(context.Background(), "udp4", o.listen, udp.WithReusePort())
	}
	file := os.NewFile(3, "socket")
	if file == nil {
		return nil, errors.New("there is no socket from the parent")
	}
	defer file.Close()
	return udp.FromFile(file)
}
