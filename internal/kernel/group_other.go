//go:build !unix && !windows

package kernel

import "errors"

const speaksBoth = false

func (g Groups) request(request, Member) error { return errors.ErrUnsupported }
func (g Groups) set4(setting, int) error       { return errors.ErrUnsupported }
func (g Groups) set6(setting, int) error       { return errors.ErrUnsupported }
func (g Groups) get4(setting) (int, error)     { return 0, errors.ErrUnsupported }
func (g Groups) get6(setting) (int, error)     { return 0, errors.ErrUnsupported }

// Joined is false.
func (g Groups) Joined(Member) bool { return false }

// Name is empty.
func (g Groups) Name(int) string { return "" }
