package udp_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Descriptors run out: the error is clear, nothing is lost of what is open.
func TestNoDescriptorsLeft(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	unbound := open(t, f.network)
	s.Messages()
	in := len(descriptors())
	if in == 0 {
		t.Skip("nobody knows the descriptors here")
	}
	var old syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	few := old
	few.Cur = uint64(in)
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	for { // the numbers below the limit that are free
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		defer f.Close()
	}
	_, listenErr := udp.Listen(t.Context(), f.network, f.local(), udp.WithReaders(3))
	bindErr := unbound.Bind(t.Context(), f.local())
	sendErr := unbound.SendTo(t.Context(), at(t, s), []byte("x"))
	_, fileErr := s.File()
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old))

	for what, err := range map[string]error{"Listen": listenErr, "Bind": bindErr, "SendTo": sendErr, "File": fileErr} {
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: %v, want EMFILE", what, err)
		}
	}
	ok(t, unbound.Bind(t.Context(), f.local()))
	send(t, unbound, at(t, s), "all is well")
	expect(t, s, "all is well")
}
