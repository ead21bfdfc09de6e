package multicast_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"example.com/dgram/multicast"
)

// A member on the loopback interface hears what is sent there.
func TestAMemberOnLoopbackHears(t *testing.T) {
	for network, g := range map[string]netip.Addr{"udp4": group, "udp6": local6} {
		t.Run(network, func(t *testing.T) {
			lo := loopback(t)
			s := here(t, network, ":0")
			join(t, s, g, multicast.On(lo))
			supported(t, multicast.SetInterface(s.Socket, lo))
			err := s.SendTo(t.Context(), to(t, g, s), []byte("hello"))
			if errors.Is(err, syscall.ENETUNREACH) {
				t.Skip("no route for groups on loopback: ", err)
			}
			must(t, err)
			hears(t, s, "hello")
		})
	}
}
