//go:build !unix && !windows

package portable

import (
	"errors"
	"os"

	"example.com/dgram/internal/kernel"
)

// System is the system that the program runs on: here one without sockets.
type System struct{}

// IPv6 is false.
func (System) IPv6() bool { return false }

// Open fails.
func (System) Open(kernel.Config) (kernel.Conn, error) { return nil, errors.ErrUnsupported }

// Adopt fails.
func (System) Adopt(_ *os.File, c kernel.Config) (kernel.Conn, kernel.Config, error) {
	return nil, c, errors.ErrUnsupported
}
