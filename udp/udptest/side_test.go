package udptest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

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

// target is the address of a target, for a socket of a host.
func (s *side) target(t target, host int) (netip.AddrPort, bool) {
	if t.addr == "" {
		return netip.AddrPort{}, true
	}
	port := t.port
	if t.socket >= 0 {
		c := s.conns[t.socket]
		if c == nil {
			return netip.AddrPort{}, false
		}
		a, err := c.LocalAddr()
		if err != nil {
			return netip.AddrPort{}, false
		}
		port = a.Port()
	}
	return netip.AddrPortFrom(netip.MustParseAddr(resolve(t.addr, host, s.local)), port), true
}

func (s *side) send(number int, st step, c kernel.Conn, host int) []string {
	to, known := s.target(st.to, host)
	peer, err := c.RemoteAddr()
	if at := to; known && !at.IsValid() && err == nil {
		known = s.straight(st.socket, st.iface, peer)
	}
	if !known || to.IsValid() && (!fits(c, to) || !s.straight(st.socket, st.iface, to)) {
		return []string{"no target"}
	}
	var from netip.Addr
	if st.from != "" {
		from = netip.MustParseAddr(resolve(st.from, host, s.local))
		if at := to; at.IsValid() && at.Addr().Is4() != from.Is4() || !at.IsValid() && (err != nil || peer.Addr().Is4() != from.Is4()) {
			return []string{"no source"}
		}
	}
	var ds []kernel.Datagram
	for i, size := range st.sizes {
		data := make([]byte, size)
		if size >= 8 {
			binary.BigEndian.PutUint64(data, uint64(number)<<32|uint64(i))
		}
		ds = append(ds, kernel.Datagram{Data: data, To: to, From: from, Interface: s.indexOf(host, st.iface), TOS: st.tos, TTL: st.ttl})
	}
	return s.sendAll(st.socket, c, ds)
}

// sendAll sends as package udp does: an errno is a datagram's own if it comes
// again while nothing is pending. It says what became of each.
func (s *side) sendAll(socket int, c kernel.Conn, ds []kernel.Datagram) (got []string) {
	for i := 0; i < len(ds); {
		var n int
		var err error
		if len(ds) == 1 {
			if err = c.Send(&ds[0], nil); err == nil {
				n = 1
			}
		} else {
			n, err = c.SendBatch(ds[i:])
		}
		for range n {
			got = append(got, "ok")
		}
		i += n
		s.hear(socket, c)
		if err == nil || err == kernel.ErrPending {
			continue
		}
		again := c.Send(&ds[i], nil)
		s.hear(socket, c)
		if again == nil && !s.queues[socket] {
			s.heard[socket] = append(s.heard[socket], outcome(err)...)
		}
		got = append(got, outcome(again)...)
		i++
	}
	return got
}

// hear takes the errors of earlier datagrams off, each once: how many there are
// depends on bursts.
func (s *side) hear(socket int, c kernel.Conn) {
	for r, ok := c.NextRefusal(); ok; r, ok = c.NextRefusal() {
		e := outcome(r.Errno)[0]
		if r.To.IsValid() {
			e += " about " + s.name4(s.hosts[socket], r.To)
		}
		s.heard[socket] = append(s.heard[socket], e)
	}
	slices.Sort(s.heard[socket])
	s.heard[socket] = slices.Compact(s.heard[socket])
}

// receive takes what there is, datagrams and errors of earlier ones.
func (s *side) receive(socket int, c kernel.Conn, want []string) (got []string) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		var sink taker
		err := c.TryReceive(&sink)
		for _, p := range sink.packets {
			got = append(got, s.describe(s.hosts[socket], p))
		}
		if err != nil && err != kernel.ErrPending {
			return append(got, outcome(err)...)
		}
		s.hear(socket, c)
		if err == nil && len(sink.packets) == 0 {
			if !s.real || len(got)+len(s.heard[socket]) >= len(want) || time.Now().After(deadline) {
				got = append(got, s.heard[socket]...)
				s.heard[socket] = nil
				return got
			}
			time.Sleep(20 * time.Microsecond)
		}
	}
}

func (s *side) describe(host int, p kernel.Packet) string {
	id := ""
	if len(p.Data) >= 8 {
		n := binary.BigEndian.Uint64(p.Data)
		id = fmt.Sprintf(" %d.%d", n>>32, n&0xffffffff)
	}
	in := "?"
	switch p.Interface {
	case 0:
	case 1:
		in = "lo"
	case s.index[host]:
		in = "eth0"
	}
	return fmt.Sprintf("%d bytes%s from %s to %v on %s, special %v, class %d, %d hops, truncated %v", len(p.Data), id, s.name4(host, p.From), p.To, in, p.NonUnicastDst, p.TOS, p.TTL, p.Truncated)
}

// name4 is an address with a name for the port.
func (s *side) name4(host int, a netip.AddrPort) string {
	at := -1
	if a.Addr().IsLoopback() || a.Addr().IsUnspecified() {
		at = host
	}
	for h := range 2 {
		for _, own := range []string{"own4", "own6", "ownlocal%eth0"} {
			if netip.MustParseAddr(resolve(own, h, s.local)).WithZone("") == a.Addr().WithZone("") {
				at = h
			}
		}
	}
	port := fmt.Sprint(a.Port())
	if a.Port() > 10000 {
		port = "chosen"
	}
	if name, ok := s.names[place{at, a.Port()}]; ok {
		port = name
	}
	return fmt.Sprintf("%v port %s", a.Addr(), port)
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

// A taker keeps what it is handed.
type taker struct{ packets []kernel.Packet }

func (k *taker) Room() int { return 16 }

func (k *taker) Deliver(b *kernel.Batch) {
	for _, p := range b.Packets {
		p.Data = append([]byte(nil), p.Data...)
		k.packets = append(k.packets, p)
	}
}

func (k *taker) Pending() bool { return false }
func (k *taker) Wait() bool    { return true }
func (k *taker) Idle() bool    { return false }
