package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peers measures what a datagram costs a process that many peers send to, by turns: the
// whole process, from the kernel to the goroutine of the peer. Every peer is known before
// it is measured.
type peers struct {
	b     *bench
	count int // peers
	part  int // datagrams on their way: so many fit into the receive buffer
	n     int // datagrams in a turn
	turns int // counted ones; one more comes first, to warm up
}

func (p peers) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	servers := map[string]*server{}
	for _, v := range variants {
		s, err := p.open(ctx, v)
		if err != nil {
			samples[v] = sample{err: err}
			continue
		}
		defer s.close()
		servers[v] = s
	}
	for range p.turns + 1 {
		for _, v := range variants {
			if s := servers[v]; s != nil && samples[v].err == nil {
				if err := s.turn(p.n / p.part); err != nil {
					samples[v] = sample{err: err}
				}
			}
		}
	}
	for v, s := range servers {
		if samples[v].err == nil {
			samples[v] = sample{values: map[metric]float64{cpu: median(s.cpu[1:])}}
		}
	}
	return samples
}

// A server is a child in role peers, and the peers that send to it.
type server struct {
	*child
	crowd *impostor
	part  int
	cpu   []float64 // ns per datagram
	used  int64     // CPU of the process so far
}

func (p peers) open(ctx context.Context, variant string) (*server, error) {
	path, variant := p.b.program(variant)
	c, ready, err := start(ctx, variant, p.b.allPs(), path, "role", "peers", variant, loopback.String(), strconv.Itoa(p.part))
	if err != nil {
		return nil, err
	}
	s := &server{child: c, part: p.part}
	if s.crowd, err = newImpostor(netip.AddrPortFrom(loopback, uint16(ready.numbers[0])), p.count); err == nil {
		err = s.send(p.count / p.part)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// turn measures so many parts.
func (s *server) turn(parts int) error {
	before := s.used
	if err := s.send(parts); err != nil {
		return err
	}
	s.cpu = append(s.cpu, float64(s.used-before)/float64(parts*s.part))
	return nil
}

// send sends so many parts, each when the one before has been received.
func (s *server) send(parts int) error {
	for range parts {
		if err := s.crowd.send(s.part); err != nil {
			return err
		}
		got, err := s.expect("got", 5*time.Second)
		if err != nil {
			return err
		}
		s.used = got.numbers[3]
	}
	return nil
}

func (s *server) close() {
	s.stop()
	if s.crowd != nil {
		unix.Close(s.crowd.fd)
	}
}

// An impostor sends from addresses of 127.1.0.0/16 by turns: that many peers it is.
type impostor struct {
	fd       int
	next     int
	headers  []mmsghdr // one for each peer
	payload  [64]byte
	iov      unix.Iovec
	controls []control
}

// control is an IP_PKTINFO that chooses the source address.
type control struct {
	header unix.Cmsghdr
	info   unix.Inet4Pktinfo
	_      [4]byte
}

func newImpostor(to netip.AddrPort, count int) (*impostor, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	m := &impostor{fd: fd, headers: make([]mmsghdr, count), controls: make([]control, count)}
	m.iov.Base = &m.payload[0]
	m.iov.SetLen(len(m.payload))
	name := &unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	port[0], port[1] = byte(to.Port()>>8), byte(to.Port())
	for i := range m.headers {
		c := &m.controls[i]
		c.header = unix.Cmsghdr{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO}
		c.header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		c.info.Spec_dst = [4]byte{127, 1, byte(i >> 8), byte(i)}
		h := &m.headers[i].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(name)), unix.SizeofSockaddrInet4
		h.Iov = &m.iov
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(c))
		h.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
	}
	return m, nil
}

// send sends one datagram from each of the next n peers.
func (m *impostor) send(n int) error {
	for n > 0 {
		some := min(n, burst, len(m.headers)-m.next)
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(m.fd),
			uintptr(unsafe.Pointer(&m.headers[m.next])), uintptr(some), 0, 0, 0)
		switch errno {
		case 0:
			n -= int(sent)
			m.next = (m.next + int(sent)) % len(m.headers)
		case unix.EINTR:
		default:
			return fmt.Errorf("from %v: %w", m.controls[m.next].info.Spec_dst, errno)
		}
	}
	return nil
}
