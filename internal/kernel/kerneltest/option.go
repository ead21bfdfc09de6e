package kerneltest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestOptionsAreReadBackAsSet(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			c := s.open(t, kernel.Config{Network: network, ReadBuffer: 60000, WriteBuffer: 50000, TTL: 7})
			for _, tt := range []struct {
				name   string
				option kernel.Option
				want   int
			}{
				{"Broadcast", kernel.Broadcast, 0},
				{"TTL", kernel.TTL, 7},
				{"ReadBuffer", kernel.ReadBuffer, 60000},
				{"WriteBuffer", kernel.WriteBuffer, 50000},
			} {
				if got, err := c.Option(tt.option); got != tt.want || err != nil {
					t.Errorf("%s is %d, %v, want %d", tt.name, got, err, tt.want)
				}
			}
			for _, tt := range []struct {
				name   string
				option kernel.Option
				value  int
			}{
				{"Broadcast", kernel.Broadcast, 1},
				{"Broadcast", kernel.Broadcast, 0},
				{"TTL", kernel.TTL, 255},
				{"TOS", kernel.TOS, 0x28},
				{"ReadBuffer", kernel.ReadBuffer, 70000},
				{"WriteBuffer", kernel.WriteBuffer, 80000},
			} {
				err := c.SetOption(tt.option, tt.value)
				if tt.option == kernel.TOS && errors.Is(err, errors.ErrUnsupported) {
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", tt.name, err)
				}
				if got, err := c.Option(tt.option); got != tt.value || err != nil {
					t.Errorf("%s is %d, %v, want %d", tt.name, got, err, tt.value)
				}
			}
		})
	}
}

func (s suite) TestBroadcastHasToBeAskedFor(t *testing.T) {
	c := s.open(t, kernel.Config{Broadcast: true})
	if on, err := c.Option(kernel.Broadcast); on != 1 || err != nil {
		t.Errorf("%d, %v, want 1", on, err)
	}
	c = s.open(t, kernel.Config{})
	err := c.Send(&kernel.Datagram{To: addr("127.255.255.255:9")}, nil)
	if !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v, want EACCES", err)
	}
}

func (s suite) TestUnsupportedOptionsSaySo(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"Timestamps":   {Timestamps: true},
		"ICMPErrors":   {ICMPErrors: true},
		"DontFragment": {DontFragment: true},
		"PacketInfo":   {PacketInfo: kernel.On},
		"ReceiveTOS":   {ReceiveTOS: true},
		"ReceiveTTL":   {ReceiveTTL: true},
		"ReusePort":    {ReusePort: true},
		"Interface":    {Interface: loopbackInterface(t).Name},
	} {
		for _, cfg.Network = range []string{"udp4", "udp6"} {
			c, err := s.system.Open(cfg)
			switch {
			case err == nil:
				c.Close()
			case !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM):
				t.Errorf("%s of %s: %v, want it done or ErrUnsupported", name, cfg.Network, err)
			}
		}
	}
	s.open(t, kernel.Config{PacketInfo: kernel.Try})
}

func (s suite) TestZonesAreNamesAndNumbers(t *testing.T) {
	c := s.loopback(t, "udp4")
	lo := loopbackInterface(t)
	for _, zone := range []string{lo.Name, strconv.Itoa(lo.Index)} {
		if i, err := c.Index(zone); i != lo.Index || err != nil {
			t.Errorf("%s is %d, %v, want %d", zone, i, err, lo.Index)
		}
	}
	for _, zone := range []string{"nosuch0", "999999", "", "-1", "0"} {
		var unknown kernel.ZoneError
		if _, err := c.Index(zone); !errors.As(err, &unknown) || !errors.Is(err, syscall.ENODEV) {
			t.Errorf("%q: %v, want a ZoneError", zone, err)
		}
	}
}

func (s suite) TestAnUnknownZoneIsAnError(t *testing.T) {
	c := s.loopback(t, "udp6")
	nowhere := addr("[fe80::1%nosuch0]:9")
	if err := c.Send(&kernel.Datagram{To: nowhere}, nil); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("Send: %v, want ENODEV", err)
	}
	if err := c.Connect(nowhere); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("Connect: %v, want ENODEV", err)
	}
	if _, err := s.system.Open(kernel.Config{Network: "udp6", Local: nowhere}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("Open: %v, want ENODEV", err)
	}
}

// joiner makes x/net join groups on a Conn.
type joiner struct {
	*net.UDPConn // nil: only its methods' names are wanted
	conn         kernel.Conn
}

func (j joiner) SyscallConn() (syscall.RawConn, error) { return j.conn.SyscallConn(), nil }

func (s suite) TestASocketHearsTheGroupItIsBoundTo(t *testing.T) {
	for _, tt := range []struct{ network, group, other, host string }{
		{"udp4", "239.7.7.7", "239.7.7.8", "127.0.0.1"},
		{"udp6", "ff05::7:7", "ff05::7:8", "::1"},
	} {
		t.Run(tt.network, func(t *testing.T) {
			ifi := s.groupInterface(t)
			s.requireGroups(t, ifi)
			group, other := netip.MustParseAddr(tt.group), netip.MustParseAddr(tt.other)
			c := s.open(t, kernel.Config{Network: tt.network, Local: netip.AddrPortFrom(group, 0), PacketInfo: kernel.Try})
			port := local(t, c).Port()
			if a := local(t, c).Addr(); a != group {
				t.Errorf("bound to %v, want %v", a, group)
			}
			join(t, c, ifi, group)
			join(t, c, ifi, other)
			sender := s.open(t, kernel.Config{Network: tt.network})
			send(t, sender, tt.host, netip.AddrPortFrom(netip.MustParseAddr(tt.host), port))
			for _, to := range []string{tt.other, tt.group} {
				d := kernel.Datagram{Data: []byte(to), To: netip.AddrPortFrom(netip.MustParseAddr(to), port), Interface: ifi.Index}
				check(t, sender.Send(&d, nil))
			}
			p := want(t, c, tt.group)
			if p.To.IsValid() && (p.To != group || !p.NonUnicastDst) {
				t.Errorf("to %v, foreign %v", p.To, p.NonUnicastDst)
			}
			silent(t, c)
		})
	}
}

func (s suite) TestASocketHearsOnlyTheGroupsItJoined(t *testing.T) {
	for _, tt := range []struct{ network, group, wildcard string }{
		{"udp4", "239.7.7.9", "0.0.0.0:0"},
		{"udp6", "ff05::7:9", "[::]:0"},
		{"udp6", "239.7.7.9", "[::]:0"},
	} {
		t.Run(tt.network+" "+tt.group, func(t *testing.T) {
			ifi := s.groupInterface(t)
			s.requireGroups(t, ifi)
			group := netip.MustParseAddr(tt.group)
			network := "udp4"
			if group.Is6() {
				network = "udp6"
			}
			bystander := s.open(t, kernel.Config{Network: tt.network, Local: addr(tt.wildcard), ReuseAddr: true})
			to := netip.AddrPortFrom(group, local(t, bystander).Port())
			member := s.open(t, kernel.Config{Network: network, Local: to, ReuseAddr: true})
			join(t, member, ifi, group)
			sender := s.open(t, kernel.Config{Network: network})
			check(t, sender.Send(&kernel.Datagram{Data: []byte("members"), To: to, Interface: ifi.Index}, nil))
			want(t, member, "members")
			silent(t, bystander)
		})
	}
}

func (s suite) TestAdoptedSocketsAreWhatTheyWere(t *testing.T) {
	for _, tt := range []kernel.Config{
		{Network: "udp4", Local: addr("127.0.0.1:0")},
		{Network: "udp4", Local: addr("127.0.0.1:0"), Remote: addr("127.0.0.1:9")},
		{Network: "udp6", Local: addr("[::]:0")},
		{Network: "udp6", Local: addr("[::1]:0"), IPv6Only: true},
	} {
		t.Run(tt.Network, func(t *testing.T) {
			made := s.open(t, tt)
			f, err := made.Dup()
			check(t, err)
			defer f.Close()
			c, cfg, err := s.system.Adopt(f, kernel.Config{TTL: 9})
			check(t, err)
			defer c.Close()
			if cfg.Network != tt.Network || cfg.Local != local(t, made) || cfg.Remote != tt.Remote || cfg.IPv6Only != tt.IPv6Only {
				t.Errorf("%+v of %+v", cfg, tt)
			}
			if hops, err := c.Option(kernel.TTL); hops != 9 || err != nil {
				t.Errorf("TTL %d, %v, want 9", hops, err)
			}
			check(t, made.Close())
			if tt.Remote.IsValid() {
				return
			}
			host := "127.0.0.1"
			if tt.Network == "udp6" {
				host = "::1"
			}
			send(t, c, "self", at(t, host, c))
			want(t, c, "self")
			check(t, f.Close())
			send(t, c, "self", at(t, host, c))
			want(t, c, "self")
		})
	}
}

func (s suite) TestOnlyUDPSocketsAreAdopted(t *testing.T) {
	dir, err := os.MkdirTemp("", "adopt") // Wine cannot remove a directory as t.TempDir does
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer tcp.Close()
	files := map[string]func() (*os.File, error){
		"TCP":  tcp.(*net.TCPListener).File,
		"file": func() (*os.File, error) { return os.Create(filepath.Join(dir, "file")) },
	}
	if u, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}); err == nil {
		defer u.Close()
		files["Unix"] = u.File
	}
	for name, file := range files {
		f, err := file()
		if err != nil {
			t.Logf("this system makes no file of a %s: %v", name, err)
			continue
		}
		_, _, err = s.system.Adopt(f, kernel.Config{})
		if !errors.Is(err, kernel.ErrNotUDP) {
			t.Errorf("%s: %v, want ErrNotUDP", name, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s is no longer the caller's: %v", name, err)
		}
		if _, _, err := s.system.Adopt(f, kernel.Config{}); !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed %s: %v, want net.ErrClosed", name, err)
		}
	}
}
