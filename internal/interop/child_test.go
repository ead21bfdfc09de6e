package interop

import (
	"fmt"
	"os"

	"example.com/dgram/udp"
)

// childEnv makes the test binary a program that echoes on descriptor 3, as one
// does that systemd or another process has started.
const childEnv = "DGRAM_INTEROP_CHILD"

// child is that program.
func child() int {
	s, err := udp.FromFile(os.NewFile(3, "inherited"))
	if err != nil {
		fmt.Println("child:", err)
		return 1
	}
	defer s.Close()
	fmt.Println("child echoes at", s.LocalAddr(), os.Getenv("LISTEN_FDNAMES"))
	if err := echo(s); err != nil {
		fmt.Println("child:", err)
		return 1
	}
	return 0
}
