package udptest

import "io"

// Capture writes what passes the interfaces of the hosts to w from now on, as
// pcapng, which Wireshark and tshark read. Each interface of each host is one of
// the capture: a datagram is there when it leaves its sender and when it reaches
// its receiver, and one that is lost carries the reason as a comment. With the
// same seed, and under the conditions of the package's documentation, two runs in
// bubbles have equal captures, byte for byte.
//
// The first block is written at once, and the writer's error returned. Later
// ones are reported by [Network.CaptureErr]. Writes come from the goroutines
// that send and from timers, one at a time; other code that uses w has to
// wait until nothing is in flight. A network has one capture.
func (n *Network) Capture(w io.Writer) error {
	n.t.Helper()
	if w == nil {
		n.t.Fatal("udptest: Capture: nil writer")
	}
	return n.net.Capture(w)
}

// CaptureErr is the first error of the capture's writer, after which nothing is
// captured.
func (n *Network) CaptureErr() error { return n.net.CaptureErr() }
