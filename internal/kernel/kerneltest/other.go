//go:build !unix

package kerneltest

import "testing"

func (s suite) unix(*testing.T) {}
