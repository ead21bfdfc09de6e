// Discover lists the services that announce themselves on the local networks,
// by multicast DNS (RFC 6762) and DNS service discovery (RFC 6763): printers,
// speakers, other machines.
//
//	go run ./examples/discover
//	go run ./examples/discover -wait 10s -iface eth0
//
// It asks on every interface, by IPv4 and IPv6, and ends by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// The groups of multicast DNS.
var (
	mdns4 = netip.MustParseAddrPort("224.0.0.251:5353")
	mdns6 = netip.MustParseAddrPort("[ff02::fb]:5353")
)

func main() {
	wait := flag.Duration("wait", 3*time.Second, "how long to listen")
	iface := flag.String("iface", "", "interface: a name, index or address; every one if empty")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Discover lists the services that announce themselves on the local networks by multicast DNS.")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	told := map[string]bool{}
	services, err := browse(ctx, *iface, func(err error) {
		if text := err.Error(); !told[text] {
			told[text] = true
			fmt.Fprintln(os.Stderr, "discover:", text)
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "discover:", err)
		os.Exit(1)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, s := range services {
		fmt.Fprintf(table, "%q\t%s\t%s\t%s\n", s.name, s.kind, s.address(), strings.Join(s.interfaces, " "))
	}
	table.Flush()
	fmt.Printf("%d services\n", len(services))
}

// browse asks and listens until ctx is done. A machine may lack one of the
// families, or an interface may: that is told to trouble, unless nothing works.
func browse(ctx context.Context, iface string, trouble func(error)) ([]service, error) {
	answers := make(chan udp.Message)
	heard := newCatalog()
	var asking []*asker
	var last error
	for _, group := range []netip.AddrPort{mdns4, mdns6} {
		a, err := newAsker(ctx, group, iface)
		if err != nil {
			if ctx.Err() != nil {
				return nil, nil // there was no time
			}
			if last != nil {
				return nil, fmt.Errorf("%w; %w", last, err)
			}
			last = err
			trouble(err)
			continue
		}
		asking = append(asking, a)
		defer a.socket.Close()
		go a.listen(answers)
	}
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		questions := heard.questions()
		for _, a := range asking {
			if err := a.ask(ctx, questions); err != nil && ctx.Err() == nil {
				trouble(err)
			}
		}
		for waiting := true; waiting; {
			select {
			case m := <-answers:
				heard.add(m)
			case <-again.C:
				waiting = false
			case <-ctx.Done():
				return heard.services(), nil
			}
		}
	}
}

// An asker is a member of one family's group.
type asker struct {
	group  netip.AddrPort
	socket *udp.Socket
	groups *multicast.Membership
}

// newAsker listens on the port of multicast DNS, which others on the machine
// share; where one does not, answers come to a port of our own.
func newAsker(ctx context.Context, group netip.AddrPort, iface string) (*asker, error) {
	network, opts := "udp4", []udp.Option{udp.WithReuseAddr()}
	if group.Addr().Is6() {
		network, opts = "udp6", append(opts, udp.WithIPv6Only())
	}
	s, err := udp.Listen(ctx, network, ":"+strconv.Itoa(int(group.Port())), opts...)
	if err != nil {
		s, err = udp.Listen(ctx, network, ":0", opts...)
	}
	if err != nil {
		return nil, err
	}
	where := multicast.OnAll()
	if iface != "" {
		where = multicast.On(iface)
	}
	m, err := multicast.Join(s, group.Addr(), where)
	if err == nil {
		err = multicast.SetTTL(s, 255) // as RFC 6762 has it, section 11
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return &asker{group, s, m}, nil
}

// ask asks on every interface that there is by now.
func (a *asker) ask(ctx context.Context, questions [][]byte) error {
	for _, iface := range a.groups.Interfaces() {
		for _, q := range questions {
			if err := multicast.SendOn(ctx, a.socket, iface, a.group, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// listen passes on what is heard.
func (a *asker) listen(answers chan<- udp.Message) {
	for m := range a.socket.Messages() {
		select {
		case answers <- m:
		case <-a.socket.Done():
			return
		}
	}
}
