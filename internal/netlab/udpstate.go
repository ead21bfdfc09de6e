package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A UDPSocket is a line of /proc/net/udp or /proc/net/udp6.
type UDPSocket struct {
	Local, Remote netip.AddrPort
	SendQueue     int // bytes charged to the send buffer
	ReceiveQueue  int // bytes charged to the receive buffer
	UID           int
	Inode         uint64
	Drops         uint64 // datagrams that came and were not queued
}

// UDPCounters are the counters of a host for one version of IP.
type UDPCounters struct {
	InDatagrams  uint64 // queued, and read
	NoPorts      uint64 // for ports without a socket
	InErrors     uint64 // all that was dropped for the reasons below, and others
	OutDatagrams uint64
	RcvbufErrors uint64 // dropped because a receive buffer was full
	SndbufErrors uint64
	InCsumErrors uint64 // dropped because the checksum was wrong
}

// parseUDP parses /proc/net/udp and /proc/net/udp6.
func parseUDP(text []byte) ([]UDPSocket, error) {
	var all []UDPSocket
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "sl" {
			continue
		}
		if len(f) < 13 {
			return nil, fmt.Errorf("udp: %q: %w", line, errFormat)
		}
		var s UDPSocket
		var send, receive uint64
		queues := strings.SplitN(f[4], ":", 2)
		err := errors.Join(
			parseEndpoint(&s.Local, f[1]),
			parseEndpoint(&s.Remote, f[2]),
			parseUint(&send, queues[0], 16),
			parseUint(&receive, queues[len(queues)-1], 16),
			parseUint(&s.Inode, f[9], 10),
			parseUint(&s.Drops, f[12], 10),
		)
		if err != nil {
			return nil, fmt.Errorf("udp: %w", err)
		}
		s.SendQueue, s.ReceiveQueue = int(send), int(receive)
		if s.UID, err = strconv.Atoi(f[7]); err != nil {
			return nil, fmt.Errorf("udp: %w", err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseUint(v *uint64, s string, base int) (err error) {
	*v, err = strconv.ParseUint(s, base, 64)
	return err
}

// parseEndpoint parses an address and a port in hexadecimal digits.
func parseEndpoint(v *netip.AddrPort, s string) error {
	address, digits, _ := strings.Cut(s, ":")
	ip, err := parseHostOrder(address)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(digits, 16, 16)
	*v = netip.AddrPortFrom(ip, uint16(port))
	return err
}

// parseSNMP returns the UDP counters from /proc/net/snmp, which has a line of
// names and a line of values for each protocol.
func parseSNMP(text []byte) (UDPCounters, error) {
	values := make(map[string]string)
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] != "Udp:":
		case names == nil:
			names = f
		case len(f) != len(names):
			return UDPCounters{}, fmt.Errorf("snmp: %q: %w", line, errFormat)
		default:
			for i := range f {
				values[names[i]] = f[i]
			}
		}
	}
	return countersFrom(values, "")
}

// parseSNMP6 returns the UDP counters from /proc/net/snmp6, which has a line
// with a name and a value for each counter.
func parseSNMP6(text []byte) (UDPCounters, error) {
	values := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 {
			values[f[0]] = f[1]
		}
	}
	return countersFrom(values, "Udp6")
}

func countersFrom(values map[string]string, prefix string) (c UDPCounters, err error) {
	for name, v := range map[string]*uint64{
		"InDatagrams":  &c.InDatagrams,
		"NoPorts":      &c.NoPorts,
		"InErrors":     &c.InErrors,
		"OutDatagrams": &c.OutDatagrams,
		"RcvbufErrors": &c.RcvbufErrors,
		"SndbufErrors": &c.SndbufErrors,
		"InCsumErrors": &c.InCsumErrors,
	} {
		if err := parseUint(v, values[prefix+name], 10); err != nil {
			return UDPCounters{}, fmt.Errorf("snmp: %s: %w", name, err)
		}
	}
	return c, nil
}
