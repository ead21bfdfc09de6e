package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"example.com/dgram/udp"
)

// demo asks the workers from many sockets and prints the answers of each worker.
func demo(ctx context.Context, address string, o options, stdout io.Writer) error {
	answers := make(chan string)
	failures := make(chan error, o.clients)
	var clients sync.WaitGroup
	for range o.clients {
		clients.Go(func() { failures <- ask(ctx, address, o.questions, answers) })
	}
	go func() {
		clients.Wait()
		close(answers)
	}()
	count, total := map[string]int{}, 0
	for name := range answers {
		count[name]++
		total++
	}
	for i := range o.workers {
		name := fmt.Sprintf("worker-%d", i+1)
		bar := strings.Repeat("#", count[name]*40/max(total, 1))
		fmt.Fprintf(stdout, "%s answered %5d %s\n", name, count[name], bar)
	}
	fmt.Fprintf(stdout, "%d questions, %d answers\n", o.clients*o.questions, total)
	var err error
	for range o.clients {
		err = errors.Join(err, <-failures)
	}
	return err
}

// ask is one client: it asks, and asks again when it has the answer.
func ask(ctx context.Context, address string, n int, answers chan<- string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := udp.Dial(ctx, "udp4", address)
	if err != nil {
		return err
	}
	defer c.Close()
	for range n {
		if err := c.Send(ctx, []byte("who are you?")); err != nil {
			return err
		}
		m, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		answers <- string(m.Data)
	}
	return nil
}
