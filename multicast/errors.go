package multicast

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"example.com/dgram/internal/inside"
	"example.com/dgram/internal/posix"
	"example.com/dgram/udp"
)

// argError is an invalid argument that was found before the kernel was asked. It
// matches the errno that the kernel would have returned.
type argError struct {
	text  string
	errno posix.Errno
}

func (e *argError) Error() string { return e.text }

func (e *argError) Is(target error) bool { return target == e.errno }

func argErrorf(errno posix.Errno, format string, a ...any) error {
	return &argError{fmt.Sprintf(format, a...), errno}
}

// wrongFamily returns [udp.ErrAddressFamily] with the address.
func wrongFamily(what string, a netip.Addr) error {
	return fmt.Errorf("%w: %s %v", udp.ErrAddressFamily, what, a)
}

// ended returns net.ErrClosed if the socket has ended. That takes precedence over
// other errors.
func ended(in inside.Socket) error {
	if _, err := in.Bound("multicast"); errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// hearsGroups returns an error if a socket cannot receive from groups: on Linux, if
// it is bound to a unicast address.
func hearsGroups(ep inside.Endpoint) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	local, err := ep.Conn.LocalAddr()
	if a := local.Addr(); err == nil && !a.IsUnspecified() && !a.IsMulticast() {
		return argErrorf(posix.EINVAL, "socket is bound to %v and hears no group: bind it to the group or to every interface", a)
	}
	return nil
}

// joinedError is the kernel's error for a group that is joined already.
type joinedError struct {
	group, source netip.Addr
	err           error
}

func (e *joinedError) Error() string {
	if e.source.IsValid() {
		return fmt.Sprintf("group %v is joined already for source %v: %v", e.group, e.source, e.err)
	}
	return fmt.Sprintf("group %v is joined already: %v", e.group, e.err)
}

func (e *joinedError) Unwrap() error { return e.err }

// limitError is an error with the name of the sysctl that sets the limit.
type limitError struct {
	sysctl string
	err    error
}

func (e *limitError) Error() string {
	return e.err.Error() + ": the limit is the sysctl " + e.sysctl
}

func (e *limitError) Unwrap() error { return e.err }

// explain adds the name of the sysctl to an error of a limit. A further source of a
// group meets the limit of sources, any other membership that of groups. IPv6 has
// no limit of groups but that of their memory.
func explain(err error, group netip.Addr, more bool) error {
	if !errors.Is(err, posix.ENOBUFS) && !errors.Is(err, posix.ENOMEM) {
		return err
	}
	switch {
	case group.Is4() && more:
		return &limitError{"net.ipv4.igmp_max_msf", err}
	case group.Is4():
		return &limitError{"net.ipv4.igmp_max_memberships", err}
	case more:
		return &limitError{"net.ipv6.mld_max_msf", err}
	}
	return &limitError{"net.core.optmem_max", err}
}
