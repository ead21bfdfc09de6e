package kerneltest

import (
	"runtime"
	"testing"
)

func (s suite) TestDiscardCounts(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	for _, s := range []string{"1", "", "a longer one"} {
		send(t, a, s, Local(t, b))
	}
	switch n := b.Discard(); n {
	case 3:
		silent(t, b)
	case 0:
		t.Skip("this system cannot count")
	default:
		t.Errorf("%d, want 3", n)
	}
}

func (s suite) TestDiscardLeavesASharedBufferAlone(t *testing.T) {
	c := s.loopback(t, "udp4")
	f, err := c.Dup()
	Check(t, err)
	defer f.Close()
	send(t, c, "kept", Local(t, c))
	if n := c.Discard(); n != 0 {
		t.Errorf("%d, want 0", n)
	}
	want(t, c, "kept")
}

func (s suite) TestDiscardAfterDrainCountsWhatIsLeft(t *testing.T) {
	a, b := s.loopback(t, "udp4"), s.loopback(t, "udp4")
	send(t, a, "left", Local(t, b))
	arrived(t, b)
	Check(t, b.Drain())
	switch n := b.Discard(); {
	case n == 0 && runtime.GOOS == "windows":
		t.Skip("this system cannot count")
	case n != 1:
		t.Errorf("%d discarded, want 1", n)
	}
}
