package udptest_test

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }
