//go:build unix

package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// inherited makes a bound UDP socket without dgram's help, as a parent process
// would. It is the caller's.
func inherited(t testing.TB, f family) *os.File {
	t.Helper()
	leakless(t)
	domain := syscall.AF_INET
	if f.network == "udp6" {
		domain = syscall.AF_INET6
	}
	fd, err := syscall.Socket(domain, syscall.SOCK_DGRAM, 0)
	ok(t, err)
	file := os.NewFile(uintptr(fd), "inherited")
	t.Cleanup(func() { file.Close() })
	ok(t, syscall.Bind(fd, sockaddr(netip.AddrPortFrom(f.loopback, 0))))
	return file
}

func sockaddr(a netip.AddrPort) syscall.Sockaddr {
	if a.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func adoptFile(t testing.TB, f *os.File, opts ...udp.Option) *udp.Socket {
	t.Helper()
	s, err := udp.FromFile(f, opts...)
	return mine(t, s, err)
}

// Upstream: parallel/test-dgram-bind-fd.js
// Upstream: parallel/test-dgram-create-socket-handle-fd.js
func TestFromFileAdoptsABoundSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		file := inherited(t, f)
		s := adoptFile(t, file, udp.WithReadBuffer(30000), udp.WithWriteBuffer(31000))
		same(t, "network", s.Network(), f.network)
		a := at(t, s)
		same(t, "address", a.Addr(), f.loopback)
		n, err := s.ReadBuffer()
		ok(t, err)
		same(t, "ReadBuffer", n, 30000)
		n, err = s.WriteBuffer()
		ok(t, err)
		same(t, "WriteBuffer", n, 31000)
		ended(t, "listening", s.Listening())
		fails(t, s.Bind(t.Context(), f.local()), udp.ErrAlreadyBound)

		peer := std(t, f)
		tell(t, peer, a, "ping")
		m := next(t, s)
		same(t, "sender", m.From, of(peer))
		ok(t, s.Reply(t.Context(), m, []byte("pong")))
		same(t, "sender", hear(t, peer, "pong"), a)
		ok(t, s.Close())

		// The file is the caller's still: it is the same socket.
		again := adoptFile(t, file)
		same(t, "address", at(t, again), a)
		tell(t, peer, a, "still here")
		expect(t, again, "still here")
	})
}

// What is no UDP socket, or cannot be adopted, stays the caller's. The suite of the kernel
// contract has more kinds.
//
// Upstream: parallel/test-dgram-bind-fd-error.js
// Upstream: parallel/test-dgram-create-socket-handle-fd.js
func TestWhatIsNotUDPIsRejected(t *testing.T) {
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	ok(t, err)
	defer tcp.Close()
	stream, err := tcp.(*net.TCPListener).File()
	ok(t, err)
	defer stream.Close()
	device, err := os.Open(os.DevNull)
	ok(t, err)
	defer device.Close()
	fine, gone := inherited(t, families()[0]), inherited(t, families()[0])
	gone.Close()
	for what, c := range map[string]struct {
		file *os.File
		opts []udp.Option
		want error
	}{
		"a TCP listener":  {stream, nil, udp.ErrNotUDP},
		"a device":        {device, nil, udp.ErrNotUDP},
		"a closed file":   {gone, nil, net.ErrClosed},
		"no file":         {nil, nil, os.ErrInvalid},
		"a bad option":    {fine, []udp.Option{udp.WithTTL(0)}, syscall.EINVAL},
		"several readers": {fine, []udp.Option{udp.WithReaders(2)}, errors.ErrUnsupported},
		"a done context":  {fine, []udp.Option{udp.WithContext(done())}, context.Canceled},
	} {
		before := len(descriptors())
		s, err := udp.FromFile(c.file, c.opts...)
		if s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", what, s, err, c.want)
		}
		same(t, what+": descriptors", len(descriptors()), before)
	}
	_, err = udp.FromFile(device)
	shaped(t, err, "file", "")
}

func TestFromFileAdoptsAConnectedSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		peer := std(t, f)
		file := inherited(t, f)
		raw, err := file.SyscallConn()
		ok(t, err)
		ok(t, raw.Control(func(fd uintptr) { err = syscall.Connect(int(fd), sockaddr(of(peer))) }))
		ok(t, err)
		s := adoptFile(t, file)
		ended(t, "connected", s.Connected())
		a := s.RemoteAddr()
		same(t, "peer", a, of(peer))
		fails(t, s.SendTo(t.Context(), of(peer)), udp.ErrAlreadyConnected)
		fails(t, s.Connect(t.Context(), of(peer).String()), udp.ErrAlreadyConnected)
		send(t, s, netip.AddrPort{}, "hello")
		hear(t, peer, "hello")
		before := at(t, s)
		ok(t, s.Disconnect())
		same(t, "address", at(t, s), before)
		send(t, s, of(peer), "anybody")
		hear(t, peer, "anybody")
	})
}

// Close leaves what is in a shared buffer to whoever shares it.
func TestCloseLeavesASharedBufferAlone(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	file, err := s.File()
	ok(t, err)
	defer file.Close()
	peer := std(t, f)
	tell(t, peer, at(t, s), "one", "two")
	ok(t, s.Close())
	same(t, "DroppedClosed", s.Stats().DroppedClosed, 0)
	expect(t, adoptFile(t, file), "one", "two")
}

// A burst arrives as datagrams at whoever shares the descriptor: receive
// offload is off.
func TestSharedDescriptorHasNoBursts(t *testing.T) {
	f := families()[0]
	s := listen(t, f.network, f.local())
	s.Messages()
	file, err := s.File()
	ok(t, err)
	defer file.Close()
	a := at(t, s)
	ok(t, s.Close())
	c, err := net.FilePacketConn(file)
	ok(t, err)
	defer c.Close()
	from := dial(t, f.network, a)
	batch := make([]udp.Datagram, 20)
	for i := range batch {
		batch[i].Data = make([]byte, 100)
	}
	_, err = from.SendBatch(t.Context(), batch)
	ok(t, err)
	b := make([]byte, 65536)
	for range batch {
		n, _, err := c.ReadFrom(b)
		ok(t, err)
		same(t, "length", n, 100)
	}
}

// Upstream: parallel/test-child-process-fork-dgram.js
// Upstream: parallel/test-cluster-dgram-bind-fd.js
// Upstream: parallel/test-cluster-dgram-1.js
func TestChildrenShareTheSocket(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		s := listen(t, f.network, f.local())
		file, err := s.File()
		ok(t, err)
		defer file.Close()
		a := at(t, s)
		peer := std(t, f)
		tell(t, peer, a, "before the child was born")
		kids := []*child{spawn(t, "adopt", file)}
		same(t, "the child's address", kids[0].address(), a)
		kids[0].says("heard before the child was born")
		same(t, "answer comes from", hear(t, peer, "heard before the child was born"), a)
		kids = append(kids, spawn(t, "adopt", file))
		same(t, "the child's address", kids[1].address(), a)
		// Parent and children receive, each datagram one of them.
		from := dial(t, f.network, a)
		const n = 60
		heard := map[string]int{}
		for i := range n {
			ok(t, from.Send(t.Context(), fmt.Append(nil, i)))
			select {
			case m := <-s.Messages():
				heard[string(m.Data)]++
			case line := <-kids[0].lines:
				heard[line[len("heard "):]]++
			case line := <-kids[1].lines:
				heard[line[len("heard "):]]++
			}
		}
		same(t, "different datagrams", len(heard), n)

		// The parent goes; the children stay, and answer.
		ok(t, s.Close())
		ok(t, from.Send(t.Context(), []byte("you?")))
		for answered := false; !answered; {
			m := next(t, from)
			same(t, "answers come from", m.From, a)
			answered = string(m.Data) == "heard you?"
		}
	})
}

// Upstream: parallel/test-dgram-create-socket-handle.js
func TestUnboundSocketHasNoDescriptor(t *testing.T) {
	leakless(t)
	before := len(descriptors())
	for range 10 {
		open(t, "udp4")
	}
	if before > 0 {
		same(t, "descriptors", len(descriptors()), before)
	}
}
