package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// A role is what a child process does, named on its command line:
//
//	role spin
//	role facts                            say what a hop and a system call cost, and how fast labor is
//	role recv  VARIANT IP PORT JOB        receive; a "got" line every so many datagrams
//	role turns VARIANT IP PORT JOB        open a socket, receive and close it, as told
//	role echo  VARIANT IP PORT            send back what comes
//	role send  VARIANT SIZE ALLOCS IP PORT...  on "go N": send N datagrams, then a "sent" line
//	role many  VARIANT IP COUNT EVERY     open COUNT sockets, say what they cost, receive
//	role peers VARIANT IP EVERY           receive from many peers on one socket
//	role session COUNT                    say what an idle session holds
//	role kept  SIZE BURST                 say what a message holds that is kept, one of a hundred
//	role full  SIZE LIMIT                 say what a full channel holds
//	role flood IP PORT SIZE BURST         send, BURST datagrams at a time, for as long as it lives
//	role sink  IP PORT                    receive and forget, by recvmmsg with UDP_GRO
//
// Each prints "ready" when it is, and ends when its stdin does. JOB is a recvJob: EVERY
// BUFFER ALLOCS WORK BURSTS. BUFFER is the receive buffer in bytes, and negative to go beyond
// rmem_max, which takes root.
func playRole(args []string) {
	err := errors.New("no such role, or too few arguments")
	switch role, args := args[0], args[1:]; {
	case role == "spin":
		spin()
	case role == "facts":
		tellFacts()
		err = nil
	case role == "recv" && len(args) == 8:
		err = receive(args[0], jobOf(args[1:]))
	case role == "turns" && len(args) == 8:
		err = receiveInTurns(args[0], jobOf(args[1:]))
	case role == "echo" && len(args) == 3:
		err = echo(args[0], address(args[1], args[2]))
	case role == "send" && len(args) >= 5:
		job := sendJob{payload: make([]byte, number(args[1])), allocs: args[2] == "true"}
		for _, port := range args[4:] {
			job.to = append(job.to, address(args[3], port))
		}
		err = send(args[0], job)
	case role == "many" && len(args) == 4:
		err = many(args[0], address(args[1], "0"), number(args[2]), number(args[3]))
	case role == "peers" && len(args) == 3:
		err = servePeers(args[0], address(args[1], "0"), number(args[2]))
	case role == "session" && len(args) == 1:
		err = tellSession(number(args[0]))
	case role == "kept" && len(args) == 2:
		err = tellKept(number(args[0]), number(args[1]))
	case role == "full" && len(args) == 2:
		err = tellFull(number(args[0]), number(args[1]))
	case role == "flood" && len(args) == 4:
		err = flood(address(args[0], args[1]), number(args[2]), number(args[3]))
	case role == "sink" && len(args) == 2:
		err = sink(address(args[0], args[1]))
	}
	if err != nil {
		fail(fmt.Errorf("role %v: %w", args, err))
	}
}

func jobOf(args []string) recvJob {
	return recvJob{at: address(args[0], args[1]), every: number(args[2]), buffer: number(args[3]), allocs: args[4] == "true", work: number(args[5]), bursts: args[6] == "true"}
}

func ready(numbers ...int64) { os.Stdout.Write(appendReport(nil, "ready", numbers...)) }

// fail ends a role; the parent reads the last line of what it said.
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func address(ip, port string) netip.AddrPort {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		fail(err)
	}
	return netip.AddrPortFrom(a, uint16(number(port)))
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		fail(err)
	}
	return n
}

// network is the name that net and udp have for an address's family.
func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}
