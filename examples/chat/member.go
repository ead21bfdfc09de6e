package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// A member is a participant of the chat.
type member struct {
	name   string
	room   netip.AddrPort
	socket *udp.Socket
	groups *multicast.Membership
	said   int            // lines
	heard  map[string]int // lines by name: on two networks at once, a line comes twice
}

// enter enters the room, on one interface or on all of them. A machine without
// a network has itself to talk to.
func enter(ctx context.Context, room netip.AddrPort, iface, name string) (*member, error) {
	if name == "" || strings.ContainsAny(name, " \n") {
		return nil, fmt.Errorf("%q is no name", name)
	}
	network := "udp6"
	if room.Addr().Is4() {
		network = "udp4"
	}
	s, err := udp.Listen(ctx, network, ":"+strconv.Itoa(int(room.Port())), udp.WithReuseAddr())
	if err != nil {
		return nil, err
	}
	where := multicast.OnAll()
	if iface != "" {
		where = multicast.On(iface)
	}
	m, err := multicast.Join(s, room.Addr(), where)
	if err == nil && iface == "" && len(m.Interfaces()) == 0 {
		if lo := loopback(); lo != "" {
			m, err = multicast.Join(s, room.Addr(), multicast.On(lo))
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return &member{name: name, room: room, socket: s, groups: m, heard: map[string]int{}}, nil
}

// loopback is the name of the interface that leads back.
func loopback() string {
	all, _ := net.Interfaces() // none is as good as an error
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name
		}
	}
	return ""
}

// say says a line on every interface on which the room is.
func (m *member) say(ctx context.Context, line string) error {
	m.said++
	data := fmt.Sprintf("%s %d %s", m.name, m.said, line)
	for _, iface := range m.groups.Interfaces() {
		if err := multicast.SendOn(ctx, m.socket, iface, m.room, []byte(data)); err != nil {
			return err
		}
	}
	return nil
}

// hear parses a line of another member. It returns false for a line that it has
// returned before.
func (m *member) hear(msg udp.Message) (name, line string, ok bool) {
	name, rest, _ := strings.Cut(string(msg.Data), " ")
	number, line, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || name == m.name || n == m.heard[name] {
		return "", "", false
	}
	m.heard[name] = n
	return name, strings.ToValidUTF8(line, "?"), true
}

// await prints the next line.
func (m *member) await(ctx context.Context, out io.Writer) error {
	for {
		select {
		case msg := <-m.socket.Messages():
			if name, line, ok := m.hear(msg); ok {
				fmt.Fprintf(out, "%s hears %s say %q\n", m.name, name, line)
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("%s hears nothing: %w", m.name, ctx.Err())
		}
	}
}
