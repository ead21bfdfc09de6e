package netlab

import (
	"encoding/binary"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// A link is the state of an interface.
type link struct {
	index  int
	flags  uint32
	mac    net.HardwareAddr
	state  byte   // operational state of RFC 2863
	queue  string // queueing discipline
	bridge byte   // state as a port of a bridge, forwarding if it is none
}

const (
	stateUp    = 6      // IF_OPER_UP
	forwarding = 3      // BR_STATE_FORWARDING
	inactive   = "noop" // the queue of an interface that sends nothing
)

// link returns the state of an interface. Its error is the errno.
func (h *Host) link(name string) (link, error) {
	r := newRequest(unix.RTM_GETLINK, 0, unix.IfInfomsg{})
	r.string(unix.IFLA_IFNAME, name)
	answers, err := h.route.get(r)
	if err != nil {
		return link{}, err
	}
	for _, m := range answers {
		if m.kind == unix.RTM_NEWLINK {
			return parseLink(m)
		}
	}
	return link{}, unix.ENODEV
}

// index returns the index of an interface. Its error is the errno.
func (h *Host) index(name string) (int, error) {
	l, err := h.link(name)
	return l.index, err
}

func parseLink(m message) (link, error) {
	all, err := m.attributes(unix.SizeofIfInfomsg)
	if err != nil {
		return link{}, err
	}
	l := link{
		index:  int(int32(binary.NativeEndian.Uint32(m.body[4:]))),
		flags:  binary.NativeEndian.Uint32(m.body[8:]),
		bridge: forwarding,
	}
	for _, a := range all {
		switch a.kind {
		case unix.IFLA_ADDRESS:
			l.mac = net.HardwareAddr(a.value)
		case unix.IFLA_QDISC:
			l.queue = text(a.value)
		case unix.IFLA_OPERSTATE:
			if len(a.value) > 0 {
				l.state = a.value[0]
			}
		case unix.IFLA_LINKINFO:
			if l.bridge, err = parsePortState(a.value); err != nil {
				return link{}, err
			}
		}
	}
	return l, nil
}

// parsePortState returns the state of a bridge port from IFLA_LINKINFO.
func parsePortState(info []byte) (byte, error) {
	all, err := parseAttributes(info)
	if err != nil {
		return 0, err
	}
	var kind string
	var data []byte
	for _, a := range all {
		switch a.kind {
		case unix.IFLA_INFO_SLAVE_KIND:
			kind = text(a.value)
		case unix.IFLA_INFO_SLAVE_DATA:
			data = a.value
		}
	}
	if kind != "bridge" {
		return forwarding, nil
	}
	port, err := parseAttributes(data)
	if err != nil {
		return 0, err
	}
	for _, a := range port {
		if a.kind == unix.IFLA_BRPORT_STATE && len(a.value) > 0 {
			return a.value[0], nil
		}
	}
	return 0, fmt.Errorf("bridge port without state: %w", errShort)
}

// running reports whether the kernel uses the interface.
func (l link) running() bool {
	return l.flags&unix.IFF_UP != 0 && l.flags&unix.IFF_RUNNING != 0 && l.queue != inactive
}

// carries reports whether frames pass.
func (l link) carries() bool {
	return l.running() && l.flags&unix.IFF_LOWER_UP != 0 &&
		l.state == stateUp && l.bridge == forwarding
}
