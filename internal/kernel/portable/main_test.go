//go:build unix || windows

package portable_test

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/dgram/internal/kernel/kerneltest"
	"example.com/dgram/internal/kernel/portable"
	"example.com/dgram/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

func TestTheContract(t *testing.T) { kerneltest.Test(t, portable.System{}) }
