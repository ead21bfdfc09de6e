// Package host chooses what a program uses of its system. The kernel contract is
// implemented by package linux on Linux, and by package portable on every other
// system and under the build tag dgram_portable. Interfaces are watched by
// notifications on Linux, and by polling elsewhere and under the tag.
package host

import "example.com/dgram/internal/kernel"

var _ kernel.System = System{}
