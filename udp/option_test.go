package udp_test

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Upstream: parallel/test-dgram-createSocket-type.js
func TestBadOptionsAreNewsError(t *testing.T) {
	leakless(t)
	for what, o := range map[string]udp.Option{
		"read buffer 0":          udp.WithReadBuffer(0),
		"read buffer -1":         udp.WithReadBuffer(-1),
		"read buffer absurd":     udp.WithReadBuffer(math.MaxInt32),
		"write buffer 0":         udp.WithWriteBuffer(0),
		"write buffer -1":        udp.WithWriteBuffer(-1),
		"write buffer absurd":    udp.WithWriteBuffer(math.MaxInt32),
		"message buffer -1":      udp.WithMessageBuffer(-1),
		"message buffer absurd":  udp.WithMessageBuffer(math.MaxInt32),
		"error buffer -1":        udp.WithErrorBuffer(-1),
		"error buffer absurd":    udp.WithErrorBuffer(math.MaxInt32),
		"send queue -1":          udp.WithSendQueue(-1),
		"send queue absurd":      udp.WithSendQueue(math.MaxInt32),
		"overflow -1":            udp.WithOverflow(-1),
		"overflow 3":             udp.WithOverflow(3),
		"max datagram 0":         udp.WithMaxDatagram(0),
		"max datagram -1":        udp.WithMaxDatagram(-1),
		"max datagram absurd":    udp.WithMaxDatagram(65536),
		"readers 0":              udp.WithReaders(0),
		"readers -1":             udp.WithReaders(-1),
		"readers absurd":         udp.WithReaders(math.MaxInt32),
		"TTL 0":                  udp.WithTTL(0),
		"TTL -1":                 udp.WithTTL(-1),
		"TTL 256":                udp.WithTTL(256),
		"no interface":           udp.WithInterface(""),
		"nil lookup":             udp.WithLookup(nil),
		"nil receive block list": udp.WithReceiveBlockList(nil),
		"nil send block list":    udp.WithSendBlockList(nil),
		"nil control":            udp.WithControl(nil),
		"nil context":            udp.WithContext(nil),
		"nil option":             nil,
	} {
		t.Run(what, func(t *testing.T) {
			s, err := udp.New("udp4", udp.WithBroadcast(), o)
			if s != nil {
				t.Error("a socket")
			}
			fails(t, err, syscall.EINVAL)
			shaped(t, err, "socket", "")
			_, err = udp.Listen(t.Context(), "udp4", "127.0.0.1:0", o)
			fails(t, err, syscall.EINVAL)
			_, err = udp.Dial(t.Context(), "udp4", "127.0.0.1:9", o)
			fails(t, err, syscall.EINVAL)
		})
	}
}

// Upstream: parallel/test-dgram-socket-buffer-size.js
// Upstream: parallel/test-dgram-createSocket-type.js
func TestBufferSizesAreTheCallers(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		const size = 50000
		s := open(t, f.network, udp.WithReadBuffer(size), udp.WithWriteBuffer(size+1))
		_, err := s.ReadBuffer()
		fails(t, err, udp.ErrNotBound, syscall.EBADF)
		_, err = s.WriteBuffer()
		fails(t, err, udp.ErrNotBound)
		fails(t, s.SetReadBuffer(size), udp.ErrNotBound)
		fails(t, s.SetWriteBuffer(size), udp.ErrNotBound)

		ok(t, s.Bind(t.Context(), f.local()))
		get := func(f func() (int, error)) int {
			n, err := f()
			ok(t, err)
			return n
		}
		same(t, "ReadBuffer", get(s.ReadBuffer), size)
		same(t, "WriteBuffer", get(s.WriteBuffer), size+1)
		ok(t, s.SetReadBuffer(size/2))
		ok(t, s.SetWriteBuffer(size/4))
		same(t, "ReadBuffer", get(s.ReadBuffer), size/2)
		same(t, "WriteBuffer", get(s.WriteBuffer), size/4)

		for _, bad := range []int{0, -1, math.MinInt32, math.MaxInt32} {
			err := s.SetReadBuffer(bad)
			fails(t, err, syscall.EINVAL)
			shaped(t, err, "set", "")
			fails(t, s.SetWriteBuffer(bad), syscall.EINVAL)
			same(t, "ReadBuffer", get(s.ReadBuffer), size/2)
			same(t, "WriteBuffer", get(s.WriteBuffer), size/4)
		}
		ok(t, s.SetReadBuffer(1<<30)) // as much as there may be
		if n := get(s.ReadBuffer); n < size {
			t.Errorf("granted %d bytes", n)
		}
	})
}

// Upstream: parallel/test-dgram-setBroadcast.js
func TestBroadcastIsOffUntilAskedFor(t *testing.T) {
	s := open(t, "udp4")
	err := s.SetBroadcast(true)
	fails(t, err, udp.ErrNotBound, syscall.EBADF)
	shaped(t, err, "set", "")
	ok(t, s.Bind(t.Context(), "127.0.0.1:0"))
	to := netip.MustParseAddrPort("255.255.255.255:9")
	shout := func(s *udp.Socket) error {
		err := s.SendTo(t.Context(), to, []byte("x"))
		if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) {
			return nil // allowed, but there is nobody
		}
		return err
	}
	if err := s.SendTo(t.Context(), to, []byte("x")); errors.Is(err, syscall.ENETUNREACH) {
		to = netip.MustParseAddrPort("127.255.255.255:9") // loopback's own broadcast address
	}
	fails(t, shout(s), syscall.EACCES)
	shaped(t, shout(s), "send", to.String())
	ok(t, s.SetBroadcast(true))
	ok(t, shout(s))
	ok(t, s.SetBroadcast(false))
	fails(t, shout(s), syscall.EACCES)
	ok(t, shout(listen(t, "udp4", "127.0.0.1:0", udp.WithBroadcast())))
}

// Upstream: parallel/test-dgram-setTTL.js
func TestTTL(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := open(t, f.network)
		fails(t, s.SetTTL(16), udp.ErrNotBound)
		_, err := s.TTL()
		fails(t, err, udp.ErrNotBound)
		for _, bad := range []int{0, -1, 256, 1000} {
			fails(t, s.SetTTL(bad), syscall.EINVAL)
		}
		ok(t, s.Bind(t.Context(), f.local()))
		for _, hops := range []int{1, 16, 255} {
			ok(t, s.SetTTL(hops))
			n, err := s.TTL()
			ok(t, err)
			same(t, "TTL", n, hops)
			for _, bad := range []int{0, -1, 256, 1000} {
				err := s.SetTTL(bad)
				fails(t, err, syscall.EINVAL)
				shaped(t, err, "set", "")
			}
			n, _ = s.TTL()
			same(t, "TTL", n, hops)
		}
		with := listen(t, f.network, f.local(), udp.WithTTL(7))
		n, err := with.TTL()
		ok(t, err)
		same(t, "TTL", n, 7)
	})
}

func TestTOSRange(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := open(t, f.network)
		fails(t, s.SetTOS(0), udp.ErrNotBound)
		fails(t, s.SetTOS(256), syscall.EINVAL)
		ok(t, s.Bind(t.Context(), f.local()))
		for _, tos := range []int{0, 1, 184, 255} {
			supported(t, s.SetTOS(tos))
		}
		for _, bad := range []int{-1, 256, 1 << 20} {
			fails(t, s.SetTOS(bad), syscall.EINVAL)
		}
	})
}

// Upstream: parallel/test-diagnostics-channel-udp.js
func TestControlRunsBeforeTheBind(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		calls := 0
		var unbound bool
		control := func(network, address string, c syscall.RawConn) error {
			calls++
			same(t, "network", network, f.network)
			same(t, "address", address, f.local())
			return c.Control(func(uintptr) { unbound = true })
		}
		listen(t, f.network, f.local(), udp.WithControl(control))
		same(t, "calls", calls, 1)
		same(t, "control ran", unbound, true)

		why := errors.New("no")
		_, err := udp.Listen(t.Context(), f.network, f.local(), udp.WithControl(func(string, string, syscall.RawConn) error { return why }))
		fails(t, err, why)
		shaped(t, err, "bind", f.local())
	})
}

func TestSyscallConnIsTheDescriptor(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	raw, err := s.SyscallConn()
	ok(t, err)
	ran := false
	ok(t, raw.Control(func(fd uintptr) { ran = fd != 0 }))
	same(t, "control ran", ran, true)
	ok(t, s.Close())
	fails(t, raw.Control(func(uintptr) {}), net.ErrClosed)
}

func TestOptionsHoldForEachKernelSocket(t *testing.T) {
	calls := 0
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReaders(3), udp.WithReadBuffer(40000), udp.WithTTL(9),
		udp.WithControl(func(string, string, syscall.RawConn) error { calls++; return nil }))
	same(t, "control calls", calls, 3)
	n, err := s.ReadBuffer()
	ok(t, err)
	same(t, "ReadBuffer", n, 40000)
	ok(t, s.SetReadBuffer(50000))
}
