//go:build !linux

package netlab

import (
	"errors"
	"net"
	"net/netip"
)

// This system has no network namespaces. [New] and [Require] skip the test, so that
// the functions below are never called. They exist so that tests compile.

var errNoLinux = errors.New("network namespaces need Linux")

func enter() error     { return errNoLinux }
func keepOrder() error { return nil }
func haveIPv6() error  { return errNoLinux }
func gone(error) bool  { return false }

func newHost(string) (*Host, error)  { return nil, errNoLinux }
func hostHere(string) (*Host, error) { return nil, errNoLinux }
func plug(Port, Port) error          { return errNoLinux }

func askBursts() error        { return errNoLinux }
func askBindingBeside() error { return errNoLinux }
func askTOS() error           { return nil }

// Swapped returns false: only Linux in an emulator has such answers.
func Swapped() bool { return false }

// Delivered fails: this system does not say what it is delivering.
func Delivered() error { return errNoLinux }

// A Host is a network namespace.
type Host struct {
	lab  *Lab
	name string
}

func (h *Host) close()                {}
func (h *Host) deleteIndex(int) error { return errNoLinux }

// String returns the name of the host.
func (h *Host) String() string { return h.name }

// Do fails.
func (h *Host) Do(func() error) error { return errNoLinux }

// The methods below fail like [Host.Do].

func (h *Host) Up(string) error                                    { return errNoLinux }
func (h *Host) Down(string) error                                  { return errNoLinux }
func (h *Host) Settle(string) error                                { return errNoLinux }
func (h *Host) Delete(string) error                                { return errNoLinux }
func (h *Host) Rename(string, string) error                        { return errNoLinux }
func (h *Host) SetMTU(string, int) error                           { return errNoLinux }
func (h *Host) SetMulticast(string, bool) error                    { return errNoLinux }
func (h *Host) AddBridge(string) error                             { return errNoLinux }
func (h *Host) Attach(string, string) error                        { return errNoLinux }
func (h *Host) Detach(string) error                                { return errNoLinux }
func (h *Host) Index(string) (int, error)                          { return 0, errNoLinux }
func (h *Host) MAC(string) (net.HardwareAddr, error)               { return nil, errNoLinux }
func (h *Host) AddAddress(string, string) error                    { return errNoLinux }
func (h *Host) RemoveAddress(string, string) error                 { return errNoLinux }
func (h *Host) LinkLocal(string) (netip.Addr, error)               { return netip.Addr{}, errNoLinux }
func (h *Host) AddRoute(string, string) error                      { return errNoLinux }
func (h *Host) AddDeviceRoute(string, string) error                { return errNoLinux }
func (h *Host) AddRefusal(string, Refusal) error                   { return errNoLinux }
func (h *Host) RemoveRoute(string) error                           { return errNoLinux }
func (h *Host) AddNeighbor(string, string, []byte) error           { return errNoLinux }
func (h *Host) Forward() error                                     { return errNoLinux }
func (h *Host) Sysctl(string) (string, error)                      { return "", errNoLinux }
func (h *Host) SetSysctl(string, string) error                     { return errNoLinux }
func (h *Host) Throttle(string, int, int, int) error               { return errNoLinux }
func (h *Host) Unthrottle(string) error                            { return errNoLinux }
func (h *Host) DestroySocket(_, _ netip.AddrPort) error            { return errNoLinux }
func (h *Host) Inject(string, []byte) error                        { return errNoLinux }
func (h *Host) Filter(string) error                                { return errNoLinux }
func (h *Host) Memberships(string) ([]netip.Addr, error)           { return nil, errNoLinux }
func (h *Host) UDPSockets() ([]UDPSocket, error)                   { return nil, errNoLinux }
func (h *Host) UDPCounters() (UDPCounters, error)                  { return UDPCounters{}, errNoLinux }
func (h *Host) UDP6Counters() (UDPCounters, error)                 { return UDPCounters{}, errNoLinux }
func (h *Host) RouteMulticast(...string) (*MulticastRouter, error) { return nil, errNoLinux }

// A MulticastRouter makes a host forward multicast packets.
type MulticastRouter struct{}

// Forward fails like [Host.Do].
func (r *MulticastRouter) Forward(string, string, string, ...string) error { return errNoLinux }

// Close does nothing.
func (r *MulticastRouter) Close() {}
