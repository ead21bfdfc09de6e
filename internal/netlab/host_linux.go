package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Host is a network namespace, with interfaces, addresses, routes, sysctls and
// counters of its own.
//
// Its methods may be called from any goroutine. Their errors name the host and the
// request, and wrap the errno.
type Host struct {
	lab   *Lab
	name  string
	ns    *os.File   // the namespace, kept alive by this
	route *requester // NETLINK_ROUTE in the namespace
}

// newHost makes a namespace and what a host has from the start.
func newHost(name string) (h *Host, err error) {
	err = elsewhere(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() error {
		h, err = hostHere(name)
		if err != nil {
			return err
		}
		return h.furnish()
	})
	if err != nil {
		if h != nil {
			h.close()
		}
		return nil, fmt.Errorf("make host %s: %w", name, err)
	}
	return h, nil
}

// hostHere returns the host whose namespace the calling thread is in.
func hostHere(name string) (*Host, error) {
	ns, err := os.Open(threadNamespace)
	if err != nil {
		return nil, err
	}
	route, err := openRequester(unix.NETLINK_ROUTE)
	if err != nil {
		ns.Close()
		return nil, err
	}
	return &Host{name: name, ns: ns, route: route}, nil
}

// furnish undoes what a new namespace inherits from the system, so that tests find
// the same everywhere, and brings lo up. IPv6 addresses can be used as soon as they
// are added, without the search for duplicates that takes seconds.
func (h *Host) furnish() error {
	for _, s := range []struct{ key, value string }{
		{"net.ipv4.ip_forward", "0"}, // resets others, so it is first
		{"net.ipv4.conf.all.rp_filter", "0"},
		{"net.ipv4.conf.default.rp_filter", "0"},
		{"net.ipv6.conf.all.disable_ipv6", "0"},
		{"net.ipv6.conf.default.disable_ipv6", "0"},
		{"net.ipv6.conf.all.accept_dad", "0"},
		{"net.ipv6.conf.default.accept_dad", "0"},
	} {
		if err := h.SetSysctl(s.key, s.value); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return h.Up("lo")
}

// close releases the namespace. It exists as long as sockets that were opened in
// it.
func (h *Host) close() {
	h.route.close()
	h.ns.Close()
}

// String returns the name of the host.
func (h *Host) String() string { return h.name }

// Do runs f on the calling goroutine, in the namespace of h, and returns its
// error. Sockets that f opens belong to h for good and can be used from any
// goroutine afterwards; so do processes that it starts. Calls nest, and f may
// end the test.
//
// Only the calling goroutine is in the namespace, and only until f returns.
// Goroutines started by f are not, which includes those package net starts to
// look up names: addresses must be literal.
func (h *Host) Do(f func() error) error {
	if err := h.visit(f); err != nil {
		return fmt.Errorf("%s: %w", h.name, err)
	}
	return nil
}

// visit is Do without the name of the host in the error.
func (h *Host) visit(f func() error) error {
	return elsewhere(func() error {
		return unix.Setns(int(h.ns.Fd()), unix.CLONE_NEWNET)
	}, f)
}

const threadNamespace = "/proc/thread-self/ns/net"

// elsewhere takes the calling thread to another namespace with leave, runs f
// there and takes the thread back. A thread that cannot be taken back stays with
// its goroutine and ends with it.
func elsewhere(leave, f func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open(threadNamespace)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := leave(); err != nil {
		runtime.UnlockOSThread()
		return os.NewSyscallError("enter network namespace", err)
	}
	defer func() { // runs too when f ends its goroutine
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, os.NewSyscallError("leave network namespace", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}
