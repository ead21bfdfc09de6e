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
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
)

// The groups of multicast DNS.
var (
	mdns4 = netip.MustParseAddrPort("224.0.0.251:5353")
	mdns6 = netip.MustParseAddrPort("[ff02::fb]:5353")
)

func main() { program.Main("discover", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("discover", "Discover lists the services that announce themselves on the local networks by multicast DNS.", stdout)
	wait := flags.Duration("wait", 3*time.Second, "how long to listen")
	iface := flags.String("iface", "", "interface: a name, index or address; every one if empty")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
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
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, s := range services {
		fmt.Fprintf(table, "%q\t%s\t%s\t%s\n", s.name, s.kind, s.address(), strings.Join(s.interfaces, " "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d services\n", len(services))
	return nil
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
