//go:build !windows

package udp_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"

	"example.com/dgram/udp"
)

// A new process gets the socket itself: nothing that arrives meanwhile is lost,
// and the port is never free.
func Example_restartByFile() {
	s := must(udp.Listen(context.Background(), "udp4", "127.0.0.1:0"))
	address := s.LocalAddr().String()

	next := exec.Command(os.Args[0])
	next.Env = append(os.Environ(), partVar+"=adopt") // it calls inherit, and answers
	end, _ := next.StdinPipe()
	out, _ := next.StdoutPipe()
	if err := handOver(s, next); err != nil {
		log.Fatal(err)
	}
	defer func() {
		end.Close()
		_ = next.Wait()
	}()
	ready, _ := bufio.NewReader(out).ReadString('\n')

	c := must(udp.Dial(context.Background(), "udp4", address))
	defer c.Close()
	if err := c.Send(context.Background(), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	<-c.Messages()
	fmt.Println(ready == "ready "+address+"\n", "and it answers")

	// Output: true and it answers
}

// handOver starts the next process with the socket as its descriptor 3. What was
// read here is answered here; the rest is the next process's.
func handOver(s *udp.Socket, next *exec.Cmd) error {
	file, err := s.File()
	if err != nil {
		return err
	}
	defer file.Close()
	next.ExtraFiles = []*os.File{file}
	if err := next.Start(); err != nil {
		return err // this process goes on
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	return serveUntil(stopped, s)
}
