package watch

import (
	"context"
	"errors"
	"time"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// The notifications that a watcher needs: those of interfaces, and those of IPv6
// addresses, because an interface takes part in IPv6 only some time after it has come
// up, when it has an address.
const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR

// notified is a Watcher that the kernel notifies of changes.
type notified struct {
	conn    *netlink.Conn
	changed bool // a notification came that no Change has covered yet
	deleted []int
}

// Notified returns a Watcher that the kernel notifies of changes in the network
// namespace of the calling thread.
func Notified() (Watcher, error) {
	conn, err := netlink.Open(unix.NETLINK_ROUTE, groups)
	if err != nil {
		return nil, err
	}
	return &notified{conn: conn}, nil
}

func (n *notified) Close() { n.conn.Close() }

// Wait waits for a notification, reads all that have arrived, and lists the
// interfaces.
func (n *notified) Wait(ctx context.Context) (Change, error) {
	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = n.conn.SetReadDeadline(time.Unix(1, 0))
		close(expired)
	})
	defer func() {
		if !stop() {
			<-expired
			_ = n.conn.SetReadDeadline(time.Time{})
		}
	}()
	c, err := n.wait()
	if err != nil && ctx.Err() != nil {
		return Change{}, ctx.Err()
	}
	return c, err
}

func (n *notified) wait() (Change, error) {
	for !n.changed {
		if err := n.noteAll(n.conn.Receive()); err != nil {
			return Change{}, err
		}
	}
	for {
		err := n.noteAll(n.conn.TryReceive())
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			return Change{}, err
		}
	}
	is, err := n.list()
	if err != nil {
		return Change{}, err
	}
	c := Change{Interfaces: is, Deleted: n.deleted}
	n.changed, n.deleted = false, nil
	return c, nil
}

// noteAll notes what was received. That the kernel dropped notifications (ENOBUFS)
// is noted as a change.
func (n *notified) noteAll(all []netlink.Message, err error) error {
	if errors.Is(err, unix.ENOBUFS) {
		n.note(netlink.Message{})
		return nil
	}
	for _, m := range all {
		n.note(m)
	}
	return err
}

// note remembers that something has changed, and which interface was deleted. An
// interface that leaves a bridge also sends RTM_DELLINK, for the family of bridges.
func (n *notified) note(m netlink.Message) {
	n.changed = true
	if m.Type != unix.RTM_DELLINK {
		return
	}
	if l, _ := netlink.ParseLink(m); l.Index != 0 && l.Family == unix.AF_UNSPEC {
		n.deleted = append(n.deleted, l.Index)
	}
}

// list lists all interfaces. A list may lack the change of a notification that came
// while it was made: then it is made again.
func (n *notified) list() ([]Interface, error) {
	for {
		again := false
		request := netlink.NewRequest(unix.RTM_GETLINK, 0, netlink.LinkHeader{})
		answer, err := n.conn.Exchange(request, unix.NLM_F_DUMP, func(m netlink.Message) {
			n.note(m)
			again = true
		})
		if err != nil {
			return nil, err
		}
		if !again {
			return interfaces(answer)
		}
	}
}

func interfaces(answer []netlink.Message) ([]Interface, error) {
	var is []Interface
	for _, m := range answer {
		if m.Type != unix.RTM_NEWLINK {
			continue
		}
		l, err := netlink.ParseLink(m)
		if err != nil {
			return nil, err
		}
		is = append(is, Interface{
			Index:     l.Index,
			Name:      l.Name,
			Up:        l.Flags&unix.IFF_UP != 0,
			Multicast: l.Flags&unix.IFF_MULTICAST != 0,
		})
	}
	return is, nil
}
