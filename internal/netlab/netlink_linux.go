package netlab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long the lab waits for the kernel, which normally takes
// microseconds.
const patience = 10 * time.Second

// A netlink is a netlink socket. It belongs to the namespace it was opened in.
type netlink struct {
	mu     sync.Mutex // held for a request and its answers
	fd     int        // -1 once closed
	seq    uint32
	buffer []byte
}

// openNetlink opens a socket in the namespace of the calling thread that also
// hears the given multicast groups of the protocol.
func openNetlink(protocol int, groups uint32) (*netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("open netlink socket", err)
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	err = errors.Join(
		os.NewSyscallError("bind netlink socket", unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})),
		os.NewSyscallError("limit netlink reads", unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)),
		os.NewSyscallError("ask for explanations", unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)),
		os.NewSyscallError("ask for short errors", unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)),
	)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &netlink{fd: fd, buffer: make([]byte, 64<<10)}, nil
}

func (n *netlink) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fd >= 0 {
		unix.Close(n.fd)
		n.fd = -1
	}
}

// do sends r and waits for the acknowledgement. Its error is the errno of the
// kernel.
func (n *netlink) do(r *request) error {
	_, err := n.exchange(r, unix.NLM_F_ACK)
	return err
}

// get sends r and returns the messages that answer it.
func (n *netlink) get(r *request) ([]message, error) {
	return n.exchange(r, unix.NLM_F_ACK)
}

// list sends r as a question about all objects of a kind.
func (n *netlink) list(r *request) ([]message, error) {
	return n.exchange(r, unix.NLM_F_DUMP)
}

// exchange sends r with more flags and collects answers until the one that says
// there are no others.
func (n *netlink) exchange(r *request, flags uint16) ([]message, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fd < 0 {
		return nil, net.ErrClosed
	}
	n.seq++
	if err := unix.Sendto(n.fd, r.finish(flags, n.seq), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var answers []message
	for {
		all, err := n.read()
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			switch {
			case m.seq != n.seq: // a late answer to a request that was given up
			case m.kind == unix.NLMSG_ERROR, m.kind == unix.NLMSG_DONE:
				return answers, m.refused()
			default:
				m.body = append([]byte(nil), m.body...)
				answers = append(answers, m)
			}
		}
	}
}

// read returns the messages of the next datagram, which share n's buffer.
func (n *netlink) read() ([]message, error) {
	for {
		size, _, err := unix.Recvfrom(n.fd, n.buffer, 0)
		switch err {
		case nil:
			return parseMessages(n.buffer[:size])
		case unix.EINTR:
		case unix.EAGAIN:
			return nil, fmt.Errorf("no answer from the kernel in %v: %w", patience, os.ErrDeadlineExceeded)
		default:
			return nil, err
		}
	}
}
