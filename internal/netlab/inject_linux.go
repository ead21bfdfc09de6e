package netlab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Inject sends an Ethernet frame out of an interface as it is, past routing,
// filters and checksums. The other end of the link receives it. See [Forgery]
// for a way to write one.
func (h *Host) Inject(name string, frame []byte) error {
	err := h.visit(func() error {
		index, err := h.index(name)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: index})
	})
	if err != nil {
		return fmt.Errorf("%s: inject %d bytes into %s: %w", h, len(frame), name, err)
	}
	return nil
}
