package netlab

import (
	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// operStateUp is the operational state of an interface that passes packets,
// IF_OPER_UP of linux/if.h.
const operStateUp = 6

// noQdisc is the queueing discipline of an interface that sends nothing.
const noQdisc = "noop"

// link returns the state of an interface. Its error is the errno.
func (h *Host) link(name string) (netlink.Link, error) {
	r := netlink.NewRequest(unix.RTM_GETLINK, 0, netlink.LinkHeader{})
	r.String(unix.IFLA_IFNAME, name)
	answer, err := h.route.ask(r)
	if err != nil {
		return netlink.Link{}, err
	}
	for _, m := range answer {
		if m.Type == unix.RTM_NEWLINK {
			return netlink.ParseLink(m)
		}
	}
	return netlink.Link{}, unix.ENODEV
}

// index returns the index of an interface. Its error is the errno.
func (h *Host) index(name string) (int, error) {
	l, err := h.link(name)
	return l.Index, err
}

// isRunning reports whether the kernel uses an interface.
func isRunning(l netlink.Link) bool {
	return l.Flags&unix.IFF_UP != 0 && l.Flags&unix.IFF_RUNNING != 0 && l.Qdisc != noQdisc
}

// carriesFrames reports whether frames pass through an interface.
func carriesFrames(l netlink.Link) (bool, error) {
	if !isRunning(l) || l.Flags&unix.IFF_LOWER_UP == 0 || l.OperState != operStateUp {
		return false, nil
	}
	return l.Forwards()
}
