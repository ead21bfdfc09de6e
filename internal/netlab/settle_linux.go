package netlab

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Settle waits until an interface carries frames and all its addresses can be
// bound. An interface carries frames when it is up and so is the other end of
// its link. The kernel does part of that in the background; Settle listens for
// its notifications, and gives up after ten seconds.
func (h *Host) Settle(name string) error {
	var news *netlink
	err := h.visit(func() (err error) {
		news, err = openNetlink(unix.NETLINK_ROUTE, unix.RTMGRP_LINK|unix.RTMGRP_IPV6_IFADDR)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: settle %s: %w", h, name, err)
	}
	defer news.close()

	steps := []func() (bool, error){
		func() (bool, error) {
			l, err := h.link(name)
			return l.carries(), err
		},
		func() (bool, error) { return h.allBindable(name) },
	}
	deadline := time.Now().Add(patience)
	for _, step := range steps {
		done, err := step()
		for ; !done && err == nil; done, err = step() {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: settle %s: %w", h, name, os.ErrDeadlineExceeded)
			}
			if _, err := news.read(); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return fmt.Errorf("%s: settle %s: %w", h, name, err)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: settle %s: %w", h, name, err)
		}
		// What was seen may be the first of several things that the kernel
		// does under one lock. A request that changes nothing waits for it.
		if err := h.setFlags("settle", name, unix.IFF_UP, unix.IFF_UP); err != nil {
			return err
		}
	}
	return nil
}
