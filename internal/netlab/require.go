package netlab

import (
	"flag"
	"fmt"
	"testing"
)

// demand is the value of the flag -netlab, which exists in every test binary
// that imports this package and in no other.
var demand = registerDemand(flag.CommandLine)

// A policy is what Require does if there is no lab.
type policy string

const (
	optional policy = "optional" // the test is skipped
	required policy = "required" // the test fails
)

func registerDemand(flags *flag.FlagSet) *policy {
	p := optional
	flags.Var(&p, "netlab", "tests that need network namespaces: `optional` skips them where the system refuses, required fails them")
	return &p
}

func (p *policy) String() string { return string(*p) }

func (p *policy) Set(s string) error {
	switch policy(s) {
	case optional, required:
		*p = policy(s)
		return nil
	}
	return fmt.Errorf("%q is neither %s nor %s", s, optional, required)
}

// Require ends t here unless the test runs in a lab. It skips t with the reason,
// or fails it when the test binary was given -netlab=required.
func Require(t testing.TB) {
	t.Helper()
	if errOutside != nil {
		without(t, errOutside)
	}
}

// RequireIPv6 is [Require] for tests that also need IPv6.
func RequireIPv6(t testing.TB) {
	t.Helper()
	Require(t)
	if err := haveIPv6(); err != nil {
		without(t, fmt.Errorf("no IPv6: %w", err))
	}
}

func without(t testing.TB, reason error) {
	t.Helper()
	if *demand == required {
		t.Fatalf("-netlab=required: %v", reason)
	}
	t.Skip(reason)
}
