// Package host chooses the implementation of the kernel contract: package linux
// on Linux, and package portable on every other system and under the build tag
// dgram_portable.
package host

import "example.com/dgram/internal/kernel"

var _ kernel.System = System{}
