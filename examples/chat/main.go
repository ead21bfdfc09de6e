// Chat is a chat room on the local network, without a server. In two terminals,
// of one machine or of several:
//
//	go run ./examples/chat -name ann
//	go run ./examples/chat -name bob
//
// What is typed in one is read in the others. With -iface the room is on one
// interface only; with -demo two members in one process talk to each other and
// leave.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

func main() {
	room := flag.String("room", "239.77.77.77:7777", "group and port of the room")
	iface := flag.String("iface", "", "interface: a name, index or address; every one if empty")
	name := flag.String("name", "pid"+strconv.Itoa(os.Getpid()), "what others call you")
	demo := flag.Bool("demo", false, "talk to yourself and leave")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Chat without a server: what you type is heard by everybody in the room, until Ctrl-C.")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	at, err := netip.ParseAddrPort(*room)
	if err == nil && *demo {
		err = talk(ctx, os.Stdout, at, *iface)
	} else if err == nil {
		err = chat(ctx, os.Stdin, os.Stdout, at, *iface, *name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// A member is one who chats.
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

// hear reads a line that somebody else has said, once.
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

// chat says what is typed and prints what is heard, until the input ends.
func chat(ctx context.Context, in io.Reader, out io.Writer, room netip.AddrPort, iface, name string) error {
	m, err := enter(ctx, room, iface, name)
	if err != nil {
		return err
	}
	defer m.socket.Close()
	fmt.Fprintf(out, "you are %s, in %v on %s\n", name, room, strings.Join(m.groups.Interfaces(), ", "))
	typed := make(chan string)
	go func() {
		defer close(typed)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			select {
			case typed <- lines.Text():
			case <-m.socket.Done():
				return
			}
		}
	}()
	for {
		select {
		case line, ok := <-typed:
			if !ok {
				return nil
			}
			if err := m.say(ctx, line); err != nil && ctx.Err() == nil {
				fmt.Fprintln(out, "not said:", err)
			}
		case msg, ok := <-m.socket.Messages():
			if !ok {
				if ctx.Err() != nil {
					return nil
				}
				return m.socket.Err()
			}
			if name, line, ok := m.hear(msg); ok {
				fmt.Fprintf(out, "%s: %q\n", name, line)
			}
		case err := <-m.socket.Errors():
			if err != nil {
				fmt.Fprintln(out, "trouble:", err)
			}
		}
	}
}

// talk is the demonstration: two members, four lines.
func talk(ctx context.Context, out io.Writer, room netip.AddrPort, iface string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if iface == "" {
		iface = loopback()
	}
	ann, err := enter(ctx, netip.AddrPortFrom(room.Addr(), 0), iface, "ann")
	if err != nil {
		return err
	}
	defer ann.socket.Close()
	local, err := ann.socket.LocalAddr()
	if err != nil {
		return err
	}
	if len(ann.groups.Interfaces()) == 0 {
		return errors.New("no network interface is up")
	}
	room = netip.AddrPortFrom(room.Addr(), local.Port()) // nobody else's
	ann.room = room
	bob, err := enter(ctx, room, iface, "bob")
	if err != nil {
		return err
	}
	defer bob.socket.Close()
	for _, turn := range []struct {
		from, to *member
		line     string
	}{
		{ann, bob, "Is anybody here?"},
		{bob, ann, "I am. Who sent you?"},
		{ann, bob, "Nobody. I just joined the group."},
		{bob, ann, "Then you know everything."},
	} {
		if err := turn.from.say(ctx, turn.line); err != nil {
			return err
		}
		if err := turn.to.await(ctx, out); err != nil {
			return err
		}
	}
	return nil
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
