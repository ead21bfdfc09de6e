//go:build !unix && !windows

package kernel

import (
	"errors"
	"os"
)

// Host is the system that the program runs on: here one without sockets.
type Host struct{}

// IPv6 is false.
func (Host) IPv6() bool { return false }

// Open fails.
func (Host) Open(Config) (Conn, error) { return nil, errors.ErrUnsupported }

// Adopt fails.
func (Host) Adopt(_ *os.File, c Config) (Conn, Config, error) { return nil, c, errors.ErrUnsupported }
