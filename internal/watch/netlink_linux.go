//go:build linux && !dgram_portable

package watch

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What to hear of: interfaces, and IPv6 addresses, because an interface takes
// part in IPv6 a moment after it has come up, when it has one.
const events = unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR

// netlink is a socket that hears what happens to interfaces, and asks about
// them. It belongs to the network namespace of the thread that opened it,
// whichever thread waits.
type netlink struct {
	file    *os.File
	raw     syscall.RawConn
	seq     uint32
	dirty   bool // something was heard that no Change has told yet
	deleted []int
}

func open() (Watcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: events}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	n := &netlink{file: os.NewFile(uintptr(fd), "rtnetlink")}
	if n.raw, err = n.file.SyscallConn(); err != nil {
		n.file.Close()
		return nil, err
	}
	return n, nil
}

func (n *netlink) Close() { n.file.Close() }

// Wait waits for news, takes all there is, and asks what that comes to.
func (n *netlink) Wait(ctx context.Context) (Change, error) {
	passed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = n.file.SetReadDeadline(time.Unix(1, 0))
		close(passed)
	})
	defer func() {
		if !stop() {
			<-passed
			_ = n.file.SetReadDeadline(time.Time{})
		}
	}()
	c, err := n.wait()
	if err != nil && ctx.Err() != nil {
		return Change{}, ctx.Err()
	}
	return c, err
}

func (n *netlink) wait() (Change, error) {
	if !n.dirty {
		if err := n.read(true, n.note); err != nil {
			return Change{}, err
		}
	}
	for {
		err := n.read(false, n.note)
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
	n.dirty, n.deleted = false, nil
	return c, nil
}

// note remembers which interfaces were deleted. The bridge that an interface
// leaves says so in the same words, for its own family.
func (n *netlink) note(m syscall.NetlinkMessage) {
	n.dirty = true
	if m.Header.Type == unix.RTM_DELLINK && len(m.Data) >= unix.SizeofIfInfomsg && m.Data[0] == unix.AF_UNSPEC {
		n.deleted = append(n.deleted, linkIndex(m))
	}
}

// list asks for all interfaces. Events that come in between are noted; as the
// answer may or may not know of them, it is asked for again.
func (n *netlink) list() ([]Interface, error) {
	for {
		if err := n.ask(); err != nil {
			return nil, err
		}
		var is []Interface
		done, more := false, false
		for !done {
			err := n.read(true, func(m syscall.NetlinkMessage) {
				switch {
				case m.Header.Seq != n.seq:
					n.note(m)
					more = true
				case m.Header.Type == unix.NLMSG_DONE || m.Header.Type == unix.NLMSG_ERROR:
					done = true
				case m.Header.Type == unix.RTM_NEWLINK && len(m.Data) >= unix.SizeofIfInfomsg:
					is = append(is, link(m))
				}
			})
			if err != nil {
				return nil, err
			}
		}
		if !more {
			return is, nil
		}
	}
}

// ask sends RTM_GETLINK for every interface.
func (n *netlink) ask() error {
	const size = unix.SizeofNlMsghdr + unix.SizeofIfInfomsg
	n.seq++
	if n.seq == 0 { // that of events
		n.seq++
	}
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b, size)
	binary.NativeEndian.PutUint16(b[4:], unix.RTM_GETLINK)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	binary.NativeEndian.PutUint32(b[8:], n.seq)
	var err error
	gone := n.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return err != unix.EAGAIN
	})
	if gone != nil {
		return gone
	}
	return os.NewSyscallError("sendto", err)
}

// read reads the messages of one datagram; unless told to wait, EAGAIN is that
// there is none. That some were lost (ENOBUFS) is news like any other.
func (n *netlink) read(wait bool, each func(syscall.NetlinkMessage)) error {
	var b []byte
	var err error
	gone := n.raw.Read(func(fd uintptr) bool {
		b, err = receive(int(fd))
		return err != unix.EAGAIN || !wait
	})
	switch {
	case gone != nil:
		return gone
	case err == unix.ENOBUFS:
		each(syscall.NetlinkMessage{})
		return nil
	case err != nil:
		return os.NewSyscallError("recvfrom", err)
	}
	messages, err := syscall.ParseNetlinkMessage(b)
	for _, m := range messages {
		each(m)
	}
	return err
}

// receive reads one datagram of whatever size, into memory that an idle
// Watcher does not have.
func receive(fd int) ([]byte, error) {
	for {
		size, _, err := unix.Recvfrom(fd, nil, unix.MSG_PEEK|unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		b := make([]byte, size)
		size, _, err = unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		return b[:max(size, 0)], err
	}
}

// linkIndex reads the index from a struct ifinfomsg.
func linkIndex(m syscall.NetlinkMessage) int {
	return int(int32(binary.NativeEndian.Uint32(m.Data[4:])))
}

func link(m syscall.NetlinkMessage) Interface {
	flags := binary.NativeEndian.Uint32(m.Data[8:])
	i := Interface{Index: linkIndex(m), Up: flags&unix.IFF_UP != 0, Multicast: flags&unix.IFF_MULTICAST != 0}
	attributes, _ := syscall.ParseNetlinkRouteAttr(&m) // without a name, nothing is missed
	for _, a := range attributes {
		if a.Attr.Type == unix.IFLA_IFNAME {
			i.Name = unix.ByteSliceToString(a.Value)
		}
	}
	return i
}
