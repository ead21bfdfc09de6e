//go:build !windows

package udp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"syscall"

	"example.com/dgram/udp"
)

// What goes wrong outside any call arrives on Errors, which may be ignored:
// here, that nobody listens at the peer's port.
func ExampleSocket_Errors() {
	ctx := context.Background()
	gone, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := gone.LocalAddr()
	gone.Close()

	s, err := udp.Dial(ctx, "udp4", address.String())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(ctx, []byte("anybody there?")); err != nil {
		log.Fatal(err)
	}
	select {
	case m := <-s.Messages():
		fmt.Printf("%s\n", m.Data)
	case err := <-s.Errors():
		fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	}
	fmt.Println("the socket lives on:", s.Err() == nil)

	// Output:
	// refused: true
	// the socket lives on: true
}
