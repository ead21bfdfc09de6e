package udptest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// A side is one of the two worlds in which a program runs.
type side struct {
	name   string
	real   bool // datagrams arrive in their own time
	local  [2]netip.Addr
	index  [2]int // of eth0; lo is 1
	open   func(host int, cfg kernel.Config) (kernel.Conn, error)
	groups func(kernel.Conn) kernel.Groups

	conns   [sockets]kernel.Conn
	hosts   [sockets]int
	bound   [sockets]netip.AddrPort
	devices [sockets]string
	joined  [sockets]bool     // groups
	queues  [sockets]bool     // of errors: ICMPErrors
	heard   [sockets][]string // errors of earlier datagrams that were not told yet
	names   map[place]string  // of ports that the system chose
}

// A place is a port of a host.
type place struct {
	host int
	port uint16
}

func (s *side) close() {
	for _, c := range s.conns {
		if c != nil {
			c.Close()
		}
	}
}

// run makes one call and says what came of it, without what may differ from
// run to run. What a receive has to wait for is in want.
func (s *side) run(number int, st step, want []string) []string {
	c, host := s.conns[st.socket], s.hosts[st.socket]
	if st.kind == opening {
		return s.openSocket(st)
	}
	if c == nil {
		return []string{"no socket"}
	}
	if a, _ := c.LocalAddr(); st.member.Group.Is6() && a.Addr().Is4() {
		return []string{"no group"}
	}
	member := st.member
	member.Interface = s.indexOf(host, st.iface)
	if st.from != "" && member.Group.IsValid() {
		member.Source = netip.MustParseAddr(resolve(st.from, host, s.local))
	}
	switch st.kind {
	case closing:
		s.conns[st.socket] = nil
		return outcome(c.Close())
	case sending:
		return s.send(number, st, c, host)
	case connecting:
		to, known := s.target(st.to, host)
		if _, err := c.RemoteAddr(); !known || !fits(c, to) || err == nil || !s.straight(st.socket, "", to) {
			return []string{"no target"}
		}
		err := c.Connect(to)
		if err == nil && to.Addr().Zone() != "" {
			s.devices[st.socket] = "eth0"
		}
		return outcome(err)
	case disconnecting:
		// Package multicast joins groups again, which these programs do not do.
		if _, err := c.RemoteAddr(); err != nil || s.joined[st.socket] {
			return []string{"no peer"}
		}
		return outcome(c.Disconnect(s.bound[st.socket]))
	case joining:
		s.joined[st.socket] = true
		return outcome(s.groups(c).Join(member))
	case leaving:
		return outcome(s.groups(c).Leave(member))
	case blocking:
		return outcome(s.groups(c).Block(member))
	case unblocking:
		return outcome(s.groups(c).Unblock(member))
	case groupSending:
		switch st.option {
		case 0:
			return outcome(s.groups(c).SetHops(st.value))
		case 1:
			return outcome(s.groups(c).SetLoopback(st.value != 0))
		}
		return outcome(s.groups(c).SetInterface(member.Interface))
	case setting:
		return outcome(c.SetOption(st.option, st.value))
	case receiving:
		return s.receive(st.socket, c, want)
	}
	return s.ask(c, host)
}

// straight reports whether a datagram leaves by the interface that its route has
// anyway. Where a device overrules the routes of a host's own addresses, Linux
// finds ways that the simulation does not know.
func (s *side) straight(socket int, iface string, to netip.AddrPort) bool {
	own := to.Addr().IsLoopback() || to.Addr().IsUnspecified()
	for _, name := range []string{"own4", "own6", "ownlocal%eth0"} {
		own = own || netip.MustParseAddr(resolve(name, s.hosts[socket], s.local)).WithZone("") == to.Addr().WithZone("")
	}
	for _, device := range []string{iface, s.devices[socket]} {
		if device == "lo" || device == "eth0" && own {
			return false
		}
	}
	return true
}

// fits reports whether a socket's family has an address, which callers of the
// contract ask first.
func fits(c kernel.Conn, to netip.AddrPort) bool {
	local, err := c.LocalAddr()
	return err == nil && (to.Addr().Is4() || !strings.HasPrefix(fmt.Sprint(c), "udp4") && local.Addr().Is6() || to.Addr().Is6() && local.Addr().Is6())
}

func (s *side) indexOf(host int, name string) int {
	switch name {
	case "":
		return 0
	case "lo":
		return 1
	case "eth0":
		return s.index[host]
	}
	return 99
}

func (s *side) openSocket(st step) []string {
	if s.conns[st.socket] != nil {
		return []string{"open already"}
	}
	cfg := st.config
	port := st.to.port
	if port == 0 {
		port = 31000 + uint16(st.socket) // free, and the same on both sides
	}
	if st.from != "" {
		cfg.Local = netip.AddrPortFrom(netip.MustParseAddr(resolve(st.from, st.host, s.local)), port)
	} else {
		cfg.Local = netip.AddrPortFrom(netip.Addr{}, port)
	}
	c, err := s.open(st.host, cfg)
	if err != nil {
		return outcome(err)
	}
	s.conns[st.socket], s.hosts[st.socket] = c, st.host
	local, err := c.LocalAddr()
	if err != nil {
		return outcome(err)
	}
	s.queues[st.socket], s.heard[st.socket] = cfg.ICMPErrors, nil
	s.joined[st.socket] = false
	s.bound[st.socket], s.devices[st.socket] = local, st.config.Interface
	if strings.HasSuffix(st.from, "%eth0") {
		s.devices[st.socket] = "eth0"
	}
	if s.names == nil {
		s.names = map[place]string{}
	}
	s.names[place{st.host, local.Port()}] = fmt.Sprintf("p%d", st.socket)
	if st.to.port != 0 {
		s.names[place{st.host, local.Port()}] = fmt.Sprint(st.to.port)
	}
	return append(outcome(nil), s.name4(st.host, local))
}

// ask reads what a socket says of itself.
func (s *side) ask(c kernel.Conn, host int) (got []string) {
	local, err := c.LocalAddr()
	got = append(got, outcome(err)[0]+" local "+s.name4(host, local))
	peer, err := c.RemoteAddr()
	got = append(got, outcome(err)[0]+" peer "+s.name4(host, peer))
	got = append(got, fmt.Sprintf("%d drops", c.Drops()))
	for o := kernel.Broadcast; o <= kernel.WriteBuffer; o++ {
		value, err := c.Option(o)
		got = append(got, fmt.Sprintf("option %d is %d, %v", o, value, outcome(err)[0]))
	}
	return got
}

// outcome is an error without its words.
func outcome(err error) []string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return []string{"ok"}
	case errors.As(err, &errno):
		return []string{errno.Error()}
	case errors.Is(err, syscall.ENODEV):
		return []string{"zone: " + syscall.ENODEV.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return []string{"deadline"}
	}
	return []string{err.Error()}
}
