//go:build !unix && !windows

package sockopt

import (
	"errors"
	"syscall"
)

func system(syscall.RawConn) options { return none{} }

// none is the implementation of a system without sockets.
type none struct{}

func (none) both() bool { return false }

func (none) request(request, Member) error { return errors.ErrUnsupported }
func (none) set4(setting, int) error       { return errors.ErrUnsupported }
func (none) set6(setting, int) error       { return errors.ErrUnsupported }
func (none) get4(setting) (int, error)     { return 0, errors.ErrUnsupported }
func (none) get6(setting) (int, error)     { return 0, errors.ErrUnsupported }

// Joined returns false.
func (none) Joined(Member) bool { return false }

// Name returns "".
func (none) Name(int) string { return "" }
