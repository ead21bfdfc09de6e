package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/udp"
)

// An interface that was made again under its name is found under its name.
func TestAZoneIsTheInterfaceOfThatNameNow(t *testing.T) {
	netlab.RequireIPv6(t)
	if portable {
		t.Skip("package net asks the namespace of the process for interfaces, not the socket's")
	}
	lab, a, b := neighbors(t)
	s := listenOn(t, a, "udp6", "[::]:0")
	receiver := listenOn(t, b, "udp6", "[::]:0")
	receiver.Messages()
	target := func() netip.AddrPort {
		ip, err := b.LinkLocal("eth0")
		ok(t, err)
		return netip.AddrPortFrom(ip.WithZone("eth0"), at(t, receiver).Port())
	}
	send(t, s, target(), "first")
	expect(t, receiver, "first")

	old := target()
	lab.Must(a.Delete("eth0"))
	fails(t, s.SendTo(t.Context(), old, []byte("nowhere")), syscall.ENODEV)
	lab.Link(a.Port("other", "10.78.0.1/24"), b.Port("other", "10.78.0.2/24")) // takes an index
	lab.Link(a.Port("eth0", "10.77.0.1/24"), b.Port("eth0", "10.77.0.2/24"))
	send(t, s, target(), "second")
	m := next(t, receiver)
	same(t, "message", string(m.Data), "second")
	same(t, "zone of the sender", m.From.Addr().Zone(), "eth0")
}

// A socket that an administrator destroys is not silently deaf.
func TestAnAdministratorEndsTheSocket(t *testing.T) {
	_, a, _ := neighbors(t)
	for name, read := range map[string]func(*udp.Socket){
		"Messages": func(s *udp.Socket) { s.Messages() },
		"All": func(s *udp.Socket) {
			go func() {
				for range s.All(context.Background()) {
				}
			}()
		},
		"PacketConn": func(s *udp.Socket) {
			v := s.PacketConn()
			go func() {
				for err := error(nil); err == nil; {
					_, _, err = v.ReadFrom(make([]byte, 10))
				}
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listenOn(t, a, "udp4", "10.77.0.1:0")
			where := at(t, s)
			read(s)
			err := a.DestroySocket(where, netip.AddrPort{})
			if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOENT) {
				t.Skip(err) // a kernel without INET_DIAG_DESTROY
			}
			ok(t, err)
			ended(t, "end of the socket", s.Done())
			fails(t, s.Err(), syscall.ECONNABORTED)
		})
	}
}

// The address under a socket may go and come back; the socket is there still.
func TestAnAddressThatGoesAwayEndsNothing(t *testing.T) {
	lab, a, b := neighbors(t)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "10.77.0.1:0")
	s.Messages()
	lab.Must(a.RemoveAddress("eth0", "10.77.0.1/24"))
	fails(t, s.SendTo(t.Context(), at(t, receiver), []byte("nowhere")), syscall.ENETUNREACH)
	lab.Must(a.AddAddress("eth0", "10.77.0.1/24"))
	send(t, s, at(t, receiver), "back")
	expect(t, receiver, "back")
	send(t, receiver, at(t, s), "and forth")
	expect(t, s, "and forth")
}

func TestAnInterfaceThatGoesDownEndsNothing(t *testing.T) {
	lab, a, b := neighbors(t)
	receiver := listenOn(t, b, "udp4", "10.77.0.2:0")
	receiver.Messages()
	s := listenOn(t, a, "udp4", "0.0.0.0:0")
	send(t, s, at(t, receiver), "up")
	expect(t, receiver, "up")
	lab.Must(a.Down("eth0"))
	fails(t, s.SendTo(t.Context(), at(t, receiver), []byte("down")), syscall.ENETUNREACH)
	lab.Must(a.Up("eth0"), a.Settle("eth0"))
	send(t, s, at(t, receiver), "up again")
	expect(t, receiver, "up again")
	same(t, "errors", s.Stats().Errors, 0)
}

// A socket that is bound to a device, or to an address with a zone, holds the name: a
// device that is made again is bound again, and while it is gone Errors says so.
func TestADeviceThatIsMadeAgainIsBoundAgain(t *testing.T) {
	if portable {
		t.Skip("the portable path looks for devices in the namespace of the calling goroutine")
	}
	for name, c := range map[string]struct {
		network, address, peer string
		opts                   []udp.Option
	}{
		"WithInterface": {"udp4", "0.0.0.0:6700", "10.77.0.1", []udp.Option{udp.WithInterface("eth0")}},
		"dual-stack":    {"udp6", "[::]:6700", "10.77.0.1", []udp.Option{udp.WithInterface("eth0")}},
		"zone":          {"udp6", "[fe80::77%eth0]:6700", "fe80::77", nil},
	} {
		t.Run(name, func(t *testing.T) {
			netlab.RequireIPv6(t)
			lab := netlab.New(t)
			a, b := lab.Host("a"), lab.Host("b")
			cable := func() {
				lab.Link(a.Port("eth0", "10.77.0.1/24", "fe80::77/64"), b.Port("eth0", "10.77.0.2/24"))
			}
			cable()
			s := listenOn(t, a, c.network, c.address, c.opts...)
			messages := s.Messages()
			arrives := func() bool {
				index, err := b.Index("eth0")
				ok(t, err)
				to := net.UDPAddr{IP: net.ParseIP(c.peer), Port: 6700}
				if to.IP.To4() == nil {
					to.Zone = fmt.Sprint(index)
				}
				var from net.PacketConn
				ok(t, b.Do(func() (err error) {
					from, err = net.ListenPacket("udp", ":0")
					return err
				}))
				defer from.Close()
				if _, err := from.WriteTo([]byte("hello"), &to); err != nil {
					return false
				}
				select {
				case <-messages:
					return true
				case <-time.After(50 * time.Millisecond):
					return false
				}
			}
			eventually(t, "a datagram arrives", arrives)
			for range 2 {
				lab.Must(a.Delete("eth0"))
				err, _ := take(t, "what has become of the device", s.Errors())
				fails(t, err, syscall.ENODEV)
				cable()
				eventually(t, "a datagram arrives at the device that was made again", arrives)
			}
			same(t, "cause", s.Err(), nil)
			empty(t, "errors", s.Errors())
		})
	}
}
