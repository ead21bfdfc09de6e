package udp_test

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"runtime"
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

// Options of a bound socket are those that it was made with, until they are set; what is
// out of range changes nothing.
//
// Upstream: parallel/test-dgram-setTTL.js
// Upstream: parallel/test-dgram-socket-buffer-size.js
// Upstream: parallel/test-dgram-createSocket-type.js
func TestOptionsOfASocketAreTheCallers(t *testing.T) {
	for name, o := range map[string]struct {
		made      udp.Option
		get       func(s *udp.Socket) (int, error)
		set       func(s *udp.Socket, n int) error
		want      int // of made
		good, bad []int
	}{
		"TTL": {udp.WithTTL(7), (*udp.Socket).TTL, (*udp.Socket).SetTTL, 7, []int{1, 16, 255}, []int{0, -1, 256, 1000}},
		"TOS": {udp.WithTOS(8), (*udp.Socket).TOS, (*udp.Socket).SetTOS, 8, []int{0, 4, 184, 252}, []int{-1, 256, 1 << 20}},
		"ReadBuffer": {udp.WithReadBuffer(50000), (*udp.Socket).ReadBuffer, (*udp.Socket).SetReadBuffer, 50000,
			[]int{25000, 60000}, []int{0, -1, math.MinInt32, math.MaxInt32}},
		"WriteBuffer": {udp.WithWriteBuffer(50001), (*udp.Socket).WriteBuffer, (*udp.Socket).SetWriteBuffer, 50001,
			[]int{25000, 60000}, []int{0, -1, math.MinInt32, math.MaxInt32}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f family) {
				s := open(t, f.network, o.made)
				_, err := o.get(s)
				fails(t, err, udp.ErrNotBound, syscall.EBADF)
				fails(t, o.set(s, o.good[0]), udp.ErrNotBound)
				fails(t, o.set(s, o.bad[0]), syscall.EINVAL)
				supported(t, s.Bind(t.Context(), f.local()))
				is := func(want int) {
					t.Helper()
					n, err := o.get(s)
					ok(t, err)
					same(t, name, n, want)
				}
				is(o.want)
				for _, n := range o.good {
					supported(t, o.set(s, n))
					is(n)
					for _, bad := range o.bad {
						err := o.set(s, bad)
						fails(t, err, syscall.EINVAL)
						shaped(t, err, "set", "")
						is(n)
					}
				}
			})
		})
	}
}

// A buffer may be asked for that is larger than the system grants.
func TestBufferSizesAreTheCallers(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReadBuffer(50000))
	ok(t, s.SetReadBuffer(1<<30))
	n, err := s.ReadBuffer()
	ok(t, err)
	unlimited := runtime.GOOS == "windows" // Winsock names no limit of SO_RCVBUF
	if n < 50000 || n == 1<<30 && !unlimited {
		t.Errorf("granted %d bytes", n)
	}
}
