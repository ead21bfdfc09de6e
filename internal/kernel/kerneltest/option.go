package kerneltest

import (
	"errors"
	"strconv"
	"syscall"
	"testing"

	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/netlab"
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
	err := c.Send(&kernel.Datagram{To: Addr("127.255.255.255:9")}, nil)
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
	if netlab.Swapped() {
		t.Skip("the index of an interface comes in the other byte order")
	}
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
	nowhere := Addr("[fe80::1%nosuch0]:9")
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
