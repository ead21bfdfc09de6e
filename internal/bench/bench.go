package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A bench is what all methods need: the machine's CPUs and the programs to run.
type bench struct {
	opts    options
	ip      netip.Addr
	cpus    []int
	sendCPU int // senders, and this process's measuring thread
	recvCPU int // receivers
	room    int // receive buffer that a queue may fill, negative: forced

	dir             string // for what is compiled and written on the way
	self, c         string
	node, script    string
	whyNoC, whyNoJS error
	spinners        []*child

	facts  facts
	crowds int    // so far
	load   string // before the spinners
}

func newBench(opts options) (*bench, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("needs Linux")
	}
	b := &bench{opts: opts, ip: netip.MustParseAddr(opts.ip), cpus: allCPUs(), room: 4 << 20, load: loadAverage()}
	b.sendCPU, b.recvCPU = b.cpus[0], b.cpus[len(b.cpus)-1]
	if os.Geteuid() == 0 {
		b.room = -64 << 20
	}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "dgram-bench-"); err != nil {
		return nil, err
	}
	b.c, b.whyNoC = prepareC(b.dir)
	b.node, b.script, b.whyNoJS = prepareNode(b.dir)
	if b.facts, err = findFacts(context.Background(), b); err != nil {
		return nil, err
	}
	runtime.LockOSThread() // fills, pings and clocks come from one thread on the senders' CPU
	return b, pinThread(b.sendCPU)
}

func (b *bench) close() {
	b.idle()
	os.RemoveAll(b.dir)
}

// busy has every CPU work on something else, at the lowest priority; idle ends that.
func (b *bench) busy(ctx context.Context) {
	if b.spinners != nil {
		return
	}
	var err error
	if b.spinners, err = startSpinners(ctx, b.self); err != nil {
		b.say("no spinners, expect noise: %v", err)
	}
}

func (b *bench) idle() {
	for _, s := range b.spinners {
		s.stop()
	}
	b.spinners = nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// program is what to run for a variant that is not C or Node, and the variant's name there.
func (b *bench) program(variant string) (path, name string) {
	if name, other := strings.CutPrefix(variant, otherPrefix); other {
		return b.opts.other, name
	}
	return b.self, variant
}

// otherPrefix marks a variant that the other build runs, with -other.
const otherPrefix = "other:"

// lacks says why a variant cannot run on this machine.
func (b *bench) lacks(variant string) error {
	switch {
	case strings.HasPrefix(variant, "c-"):
		return b.whyNoC
	case variant == "node":
		return b.whyNoJS
	}
	return nil
}

// allPs is where users run: everywhere. oneP is where a receiver runs alone.
func (b *bench) allPs() place { return place{cpus: b.cpus, procs: len(b.cpus)} }
func (b *bench) oneP() place  { return place{cpus: []int{b.recvCPU}, procs: 1} }

// senderP is where a sender runs alone.
func (b *bench) senderP() place { return place{cpus: []int{b.sendCPU}, procs: 1} }

// A receiver is a child in role recv or echo, and where it listens.
type receiver struct {
	*child
	at netip.AddrPort
}

// startReceiver starts a process that reads for as long as it lives.
func (b *bench) startReceiver(ctx context.Context, variant string, on place, job recvJob) (receiver, error) {
	at, err := freePort(b.ip)
	if err != nil {
		return receiver{}, err
	}
	return b.startListener(ctx, "recv", variant, on, at, job.args()...)
}

// startTurns starts a process that opens and reads sockets when it is told to.
func (b *bench) startTurns(ctx context.Context, variant string, on place, any bool, job recvJob) (receiver, error) {
	ip := b.ip
	switch {
	case any && ip.Is4():
		ip = netip.IPv4Unspecified()
	case any:
		ip = netip.IPv6Unspecified()
	}
	return b.startListener(ctx, "turns", variant, on, netip.AddrPortFrom(ip, 0), job.args()...)
}

func (b *bench) startEcho(ctx context.Context, variant string, on place) (receiver, error) {
	at, err := freePort(b.ip)
	if err != nil {
		return receiver{}, err
	}
	return b.startListener(ctx, "echo", variant, on, at)
}

// args are the job as a role's arguments. The C program and Node know the first two.
func (job recvJob) args() []string {
	return []string{strconv.Itoa(job.every), strconv.Itoa(job.buffer), strconv.FormatBool(job.allocs), strconv.Itoa(job.work), strconv.FormatBool(job.bursts)}
}

func (b *bench) startListener(ctx context.Context, role, variant string, on place, at netip.AddrPort, rest ...string) (receiver, error) {
	where := []string{at.Addr().String(), strconv.Itoa(int(at.Port()))}
	path, name := b.program(variant)
	var args []string
	kind, isC := strings.CutPrefix(variant, "c-")
	switch {
	case isC:
		path, args = b.c, append(append([]string{role, kind}, where...), rest[:2]...)
	case variant == "node":
		path, args = b.node, append(append([]string{b.script, role}, where...), rest...)
	default:
		args = append(append([]string{"role", role, name}, where...), rest...)
	}
	c, _, err := start(ctx, variant, on, path, args...)
	return receiver{child: c, at: at}, err
}

func (b *bench) startSender(ctx context.Context, variant string, on place, size int, allocs bool, to []netip.AddrPort) (*child, error) {
	if kind, isC := strings.CutPrefix(variant, "c-"); isC {
		c, _, err := start(ctx, variant, on, b.c, "send", kind, strconv.Itoa(size), b.ip.String(), strconv.Itoa(int(to[0].Port())))
		return c, err
	}
	if variant == "node" {
		c, _, err := start(ctx, variant, on, b.node, b.script, "send", strconv.Itoa(size), b.ip.String(), strconv.Itoa(int(to[0].Port())))
		return c, err
	}
	path, name := b.program(variant)
	args := []string{"role", "send", name, strconv.Itoa(size), strconv.FormatBool(allocs), b.ip.String()}
	for _, at := range to {
		args = append(args, strconv.Itoa(int(at.Port())))
	}
	c, _, err := start(ctx, variant, on, path, args...)
	return c, err
}
