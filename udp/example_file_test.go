//go:build !windows

package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"example.com/dgram/udp"
)

// File is a socket for another process: put it into os/exec's Cmd.ExtraFiles,
// and the child adopts it with FromFile(os.NewFile(3, "socket")).
func ExampleSocket_File() {
	ctx := context.Background()
	parent, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := parent.LocalAddr()
	file, err := parent.File()
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close() // it is ours
	parent.Close()

	// The port is taken as long as anybody has the file.
	_, err = udp.Listen(ctx, "udp4", address.String())
	fmt.Println("free:", err == nil)

	// Output: free: false
}

// FromFile adopts a socket from a parent process, or from systemd.
func ExampleFromFile() {
	ctx := context.Background()
	parent, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer parent.Close()
	file, err := parent.File()
	if err != nil {
		log.Fatal(err)
	}

	child, err := udp.FromFile(file)
	file.Close() // the socket has a duplicate
	if err != nil {
		log.Fatal(err)
	}
	defer child.Close()
	address := parent.LocalAddr()
	if err := parent.SendTo(ctx, address, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m := <-child.Messages() // the parent does not read
	fmt.Printf("%s\n", m.Data)

	// Output: hello
}

// What is not UDP is refused.
func ExampleFromFile_notUDP() {
	file, err := os.Open(os.DevNull)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	_, err = udp.FromFile(file)
	fmt.Println(errors.Is(err, udp.ErrNotUDP))

	// Output: true
}
