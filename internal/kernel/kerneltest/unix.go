//go:build unix

package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestAnUnboundDescriptorIsBound(t *testing.T) {
	for family, want := range map[int]netip.Addr{
		syscall.AF_INET:  netip.IPv4Unspecified(),
		syscall.AF_INET6: netip.IPv6Unspecified(),
	} {
		fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
		Check(t, err)
		f := os.NewFile(uintptr(fd), "udp")
		defer f.Close()
		c, cfg, err := s.system.Adopt(f, kernel.Config{})
		Check(t, err)
		defer c.Close()
		if cfg.Local.Addr() != want || cfg.Local.Port() == 0 || cfg.Local != Local(t, c) || cfg.Remote.IsValid() {
			t.Errorf("%+v", cfg)
		}
	}
}

// A child process may clear O_NONBLOCK, which belongs to the open description that
// all owners share.
func (s suite) TestABlockingDescriptorBlocksNobody(t *testing.T) {
	c := s.loopback(t, "udp4")
	f, err := c.Dup()
	Check(t, err)
	defer f.Close()
	Check(t, syscall.SetNonblock(int(f.Fd()), false))
	Check(t, c.SetReadDeadline(time.Now().Add(calm)))
	if err := c.Receive(&recorder{}, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a deadline", err)
	}
	done := make(chan error, 1)
	Check(t, c.SetReadDeadline(time.Time{}))
	go func() { done <- c.Receive(&recorder{}, true) }()
	time.Sleep(calm / 10)
	Check(t, c.Close())
	if err := <-done; err == nil {
		t.Error("a closed socket receives")
	}
}

func (s suite) TestAdoptedPeersCanBeForgotten(t *testing.T) {
	peer := s.loopback(t, "udp4")
	made := s.open(t, kernel.Config{Remote: Local(t, peer)})
	f, err := made.Dup()
	Check(t, err)
	defer f.Close()
	c, cfg, err := s.system.Adopt(f, kernel.Config{})
	Check(t, err)
	defer c.Close()
	if cfg.Remote != Local(t, peer) {
		t.Fatalf("adopted with peer %v, want %v", cfg.Remote, Local(t, peer))
	}
	send(t, c, "hello", netip.AddrPort{})
	want(t, peer, "hello")
	Check(t, c.Disconnect(cfg.Local))
	send(t, peer, "still there", at(t, "127.0.0.1", c))
	want(t, c, "still there")
}

func (s suite) TestARefusalIsPendingAndReadingGoesOn(t *testing.T) {
	gone := s.loopback(t, "udp4")
	c := s.open(t, kernel.Config{Remote: Local(t, gone)})
	Check(t, gone.Close())
	send(t, c, "anybody?", netip.AddrPort{})
	Check(t, c.SetReadDeadline(time.Now().Add(time.Second)))
	switch err := c.Receive(&recorder{}, true); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Skip("this system does not tell")
	case err != kernel.ErrPending:
		t.Errorf("%v, want %v", err, kernel.ErrPending)
	}
	if r, ok := c.NextRefusal(); !ok || r.Errno != syscall.ECONNREFUSED {
		t.Errorf("%v, %v; want %v", r, ok, syscall.ECONNREFUSED)
	}
	if r, ok := c.NextRefusal(); ok {
		t.Errorf("a second error: %v", r)
	}
	Check(t, c.Disconnect(Local(t, c)))
	send(t, c, "self", at(t, "127.0.0.1", c))
	want(t, c, "self")
}

func (s suite) TestLinkLocalAddressesHaveTheInterfaceAsTheirZone(t *testing.T) {
	named, numbered := s.linkLocal(t)
	server := s.open(t, kernel.Config{Network: "udp6", PacketInfo: kernel.On})
	for _, ip := range []netip.Addr{named, numbered} {
		client := s.open(t, kernel.Config{Network: "udp6", Local: netip.AddrPortFrom(ip, 0)})
		me := netip.AddrPortFrom(named, Local(t, client).Port())
		if a := Local(t, client); a != me {
			t.Errorf("bound to %v, want %v", a, me)
		}
		to := netip.AddrPortFrom(ip, Local(t, server).Port())
		send(t, client, "ask", to)
		p := want(t, server, "ask")
		if p.From != me {
			t.Errorf("from %v, want %v", p.From, me)
		}
		Check(t, server.Send(&kernel.Datagram{Data: []byte("answer"), To: p.From, From: p.To}, nil))
		if p := want(t, client, "answer"); p.From != netip.AddrPortFrom(named, to.Port()) {
			t.Errorf("answered from %v", p.From)
		}
		Check(t, client.Connect(to))
		if a, err := client.RemoteAddr(); a != netip.AddrPortFrom(named, to.Port()) || err != nil {
			t.Errorf("connected to %v, %v", a, err)
		}
		send(t, server, "to the connected", me)
		want(t, client, "to the connected")
	}
}
func (s suite) unix(t *testing.T) {
	t.Run("AnUnboundDescriptorIsBound", s.TestAnUnboundDescriptorIsBound)
	t.Run("ABlockingDescriptorBlocksNobody", s.TestABlockingDescriptorBlocksNobody)
	t.Run("AdoptedPeersCanBeForgotten", s.TestAdoptedPeersCanBeForgotten)
	t.Run("ARefusalIsPendingAndReadingGoesOn", s.TestARefusalIsPendingAndReadingGoesOn)
	t.Run("LinkLocalAddressesHaveTheInterfaceAsTheirZone", s.TestLinkLocalAddressesHaveTheInterfaceAsTheirZone)
}
