package udp_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"

	"example.com/dgram/udp"
)

// A socket for each interface hears what comes in there, and sends out there.
func Example_socketPerInterface() {
	sockets, err := listenOnEach(context.Background(), ":0", net.FlagLoopback|net.FlagUp)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("lo") // this user may not bind to a device
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	for name, s := range sockets {
		fmt.Println(name)
		s.Close()
	}

	// Output: lo
}

// listenOnEach listens on every interface that has all the flags.
func listenOnEach(ctx context.Context, address string, flags net.Flags) (map[string]*udp.Socket, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	sockets := map[string]*udp.Socket{}
	for _, i := range all {
		if i.Flags&flags != flags {
			continue
		}
		s, err := udp.Listen(ctx, "udp4", address, udp.WithInterface(i.Name))
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
			return nil, fmt.Errorf("%s: %w", i.Name, err)
		}
		sockets[i.Name] = s
	}
	return sockets, nil
}
