package session_test

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

// TestMain runs the tests in a network namespace of their own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }
