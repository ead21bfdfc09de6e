package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/dgram/udp"
)

// recvJob is what a receiver is asked to do.
type recvJob struct {
	at     netip.AddrPort
	every  int // datagrams between two reports
	buffer int // receive buffer, negative: forced
	allocs bool
	work   int  // steps of labor for each datagram
	bursts bool // what is queued before the socket is read has been sent by GSO
}

// A source is an open socket that is not read yet.
type source struct {
	at    netip.AddrPort
	read  func(m *meter) error // until the meter has enough, or the socket ends
	stats func() udp.Stats     // of dgram's sockets
	close func() error
}

// sources are the receivers that can be opened before they read. They are written in
// ours.go and neighbors_*.go; C and Node do the same in their languages.
var sources = map[string]func(recvJob) (source, error){
	"net":           netSource,
	"net-readfrom":  netReadFromSource,
	"naive":         naiveSource,
	"xnet":          xnetSource,
	"messages":      ours(readMessages(true)),
	"messages-keep": ours(readMessages(false)),
	"messages-1024": ours(readMessages(true), udp.WithMessageBuffer(1024)),
	"all":           ours(readAll),
	"receive":       ours(readReceive),
	"receive-batch": ours(readBatches),
	"view":          viewSource,
}

// receive is the role of a process that receives for as long as it lives.
func receive(variant string, job recvJob) error {
	if variant == "gnet" {
		return gnetReceive(job)
	}
	src, err := open(variant, job)
	if err != nil {
		return err
	}
	go obey(func(word string, _ int) {
		if word == "stats" {
			stats := src.stats()
			os.Stdout.Write(appendReport(nil, "stats", int64(stats.Received), int64(stats.ReadCalls)))
		}
	})
	ready(int64(src.at.Port()))
	return src.read(newMeter(job, false))
}

// receiveInTurns is the role of a process that opens a socket when it is told to, reads
// it when it is told to, up to one report, and closes it: "open" is answered by
// "at <port>", "go" by "began <monotonic ns> <CPU ns> <mallocs>" and the meter's line.
func receiveInTurns(variant string, job recvJob) error {
	ready()
	var src source
	obey(func(word string, _ int) {
		err := errors.New("no command " + word)
		switch word {
		case "open":
			if src, err = open(variant, job); err == nil {
				os.Stdout.Write(appendReport(nil, "at", int64(src.at.Port())))
			}
		case "go":
			m := newMeter(job, true)
			os.Stdout.Write(appendReport(m.line, "began", monotonic(), ownCPU(), mallocs(job.allocs)))
			err = errors.Join(src.read(m), src.close())
		}
		if err != nil {
			fail(err)
		}
	})
	return nil
}

func open(variant string, job recvJob) (source, error) {
	if numbers, ok := strings.CutPrefix(variant, "readers@"); ok {
		return readersSource(job, numbers)
	}
	make, ok := sources[variant]
	if !ok {
		return source{}, fmt.Errorf("no receiver %q", variant)
	}
	return make(job)
}

func echo(variant string, at netip.AddrPort) error {
	switch variant {
	case "net":
		return netEcho(at)
	case "naive":
		return naiveEcho(at)
	case "gnet":
		return gnetEcho(at)
	case "messages":
		return messagesEcho(at)
	}
	return fmt.Errorf("no echo %q", variant)
}

// enlarge sets the receive buffer, beyond what the system allows if n is negative.
func enlarge(c syscall.Conn, n int) error {
	if n == 0 {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var bad error
	err = raw.Control(func(fd uintptr) { bad = enlargeFD(int(fd), n) })
	if err != nil {
		return err
	}
	return bad
}

// allowedBuffer is the largest receive buffer that the system grants without force.
func allowedBuffer() int {
	data, _ := os.ReadFile("/proc/sys/net/core/rmem_max")
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 212992
	}
	return n
}

func enlargeFD(fd, n int) error {
	if n < 0 {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, -n)
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n)
}
