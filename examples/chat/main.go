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
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"example.com/dgram/examples/internal/program"
)

func main() { program.Main("chat", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("chat", "Chat without a server: every member of the room reads what you type, until Ctrl-C.", stdout)
	room := flags.String("room", "239.77.77.77:7777", "group and port of the room")
	iface := flags.String("iface", "", "interface: a name, index or address; every one if empty")
	name := flags.String("name", "pid"+strconv.Itoa(os.Getpid()), "what others call you")
	demo := flags.Bool("demo", false, "talk to yourself and leave")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(*room)
	switch {
	case err != nil:
		return &program.UsageError{Err: err}
	case *demo:
		return talk(ctx, stdout, at, *iface)
	}
	return chat(ctx, os.Stdin, stdout, at, *iface, *name)
}

// chat sends each line of the input to the room and prints the lines of the others,
// until the input ends.
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
	failures := m.socket.Errors()
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
				return m.socket.Err()
			}
			if name, line, ok := m.hear(msg); ok {
				fmt.Fprintf(out, "%s: %q\n", name, line)
			}
		case err, ok := <-failures:
			if !ok {
				failures = nil // the socket has ended, and Messages ends next
				continue
			}
			fmt.Fprintln(out, "trouble:", err)
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
	local := ann.socket.LocalAddr()
	if len(ann.groups.Interfaces()) == 0 {
		return errors.New("no network interface is up")
	}
	room = netip.AddrPortFrom(room.Addr(), local.Port()) // a port that no other program uses
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
