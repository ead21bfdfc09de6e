package netlab

import (
	"errors"
	"fmt"
	"time"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// Settle waits until an interface carries frames and packets for all its
// addresses are received. An interface carries frames when it is up and so is
// the other end of its link. The kernel does part of that in the background;
// Settle listens for its notifications, and gives up after ten seconds.
func (h *Host) Settle(name string) error {
	return h.await("settle "+name, name, h.carries, h.receives)
}

// await waits until an interface is in a number of states, one after the other.
func (h *Host) await(what, name string, states ...func(name string) (bool, error)) error {
	var notifications *netlink.Conn
	err := h.visit(func() (err error) {
		const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE
		notifications, err = netlink.Open(unix.NETLINK_ROUTE, groups)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %s: %w", h, what, err)
	}
	defer notifications.Close()
	if err := notifications.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return fmt.Errorf("%s: %s: %w", h, what, err)
	}

	for _, in := range states {
		done, err := in(name)
		for ; !done && err == nil; done, err = in(name) {
			if _, err := notifications.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return fmt.Errorf("%s: %s: %w", h, what, err)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", h, what, err)
		}
		// The state may be the first of several changes that the kernel makes under
		// one lock. A request without a change waits for that lock.
		err = h.change(what, name, func(link netlink.LinkHeader) *netlink.Request {
			return netlink.NewRequest(unix.RTM_NEWLINK, 0, link)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carries reports whether an interface carries frames.
func (h *Host) carries(name string) (bool, error) {
	l, err := h.link(name)
	if err != nil {
		return false, err
	}
	return carriesFrames(l)
}

// receives reports whether packets for the IPv6 addresses of an interface are
// received. An address that can be bound may still lack its route.
func (h *Host) receives(name string) (bool, error) {
	index, all, err := h.addresses(name)
	if err != nil || len(all) == 0 {
		return err == nil, err
	}
	local, err := h.localRoutes(index)
	for _, a := range all {
		if a.Flags&unix.IFA_F_TENTATIVE != 0 || !local[a.IP] {
			return false, err
		}
	}
	return true, err
}
