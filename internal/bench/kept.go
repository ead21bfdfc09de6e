package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"example.com/dgram/udp"
)

// kept measures what messages hold: its variants are "kept@SIZExBURST", a message of that
// size of which one in a hundred is kept, sent in bursts of so many; and "full@SIZE/LIMIT",
// a full channel of datagrams of that size after WithMaxDatagram(LIMIT).
type kept struct{ b *bench }

func (k kept) round(ctx context.Context, variants []string) map[string]sample {
	samples := map[string]sample{}
	for _, v := range variants {
		bytes, err := k.one(ctx, v)
		samples[v] = sample{values: map[metric]float64{held: bytes}, err: err}
	}
	return samples
}

func (k kept) one(ctx context.Context, variant string) (float64, error) {
	path, variant := k.b.program(variant)
	role, what, _ := strings.Cut(variant, "@")
	args := append([]string{"role", role}, strings.FieldsFunc(what, func(r rune) bool { return r == 'x' || r == '/' })...)
	c, ready, err := start(ctx, variant, k.b.allPs(), path, args...)
	if err != nil {
		return 0, err
	}
	c.stop()
	if len(ready.numbers) != 1 {
		return 0, errors.New(variant + ": no number")
	}
	return float64(ready.numbers[0]), nil
}

var loopback = netip.MustParseAddr("127.0.0.1")

// tellKept is the role kept: "ready <bytes of heap for each kept message>". It sends to
// itself, a hundred bursts at a time.
func tellKept(size, perBurst int) error {
	s, src, err := listen(recvJob{at: netip.AddrPortFrom(loopback, 0), buffer: 4 << 20})
	if err != nil {
		return err
	}
	messages := s.Messages()
	f, err := newFiller(src.at, size, false)
	if perBurst > 1 {
		f, err = newBurstFiller(src.at, size, perBurst)
	}
	if err != nil {
		return err
	}
	const oneIn, keep = 100, 200
	var all []udp.Message
	before := int64(0)
	for got := -10 * oneIn; got < keep*oneIn; { // what comes first fills caches and pools
		if err := f.send(10 * perBurst); err != nil {
			return err
		}
		for range 10 * perBurst {
			m, err := next(messages)
			switch got++; {
			case err != nil:
				return err
			case got == 0:
				all = make([]udp.Message, 0, 2*keep)
				m.Release()
				before, _ = alive()
			case got > 0 && got%oneIn == 0:
				all = append(all, m)
			default:
				m.Release()
			}
		}
	}
	after, _ := alive()
	ready((after - before) / int64(len(all)))
	runtime.KeepAlive(all)
	return s.Close()
}

func next(messages <-chan udp.Message) (udp.Message, error) {
	select {
	case m := <-messages:
		return m, nil
	case <-time.After(2 * time.Second):
		return udp.Message{}, errors.New("a datagram was lost")
	}
}

// tellFull is the role full: "ready <bytes of heap>" for a socket whose channel of 4096
// messages is full of datagrams that were cut off. The memory that all sockets read into,
// a megabyte, is there before: another socket has been full.
func tellFull(size, limit int) error {
	if _, err := fill(256, size, limit); err != nil {
		return err
	}
	before, _ := alive()
	s, err := fill(4096, size, limit)
	if err != nil {
		return err
	}
	after, _ := alive()
	ready(after - before)
	return s.Close()
}

// fill returns a socket whose channel of n messages is full.
func fill(n, size, limit int) (*udp.Socket, error) {
	s, src, err := listen(recvJob{at: netip.AddrPortFrom(loopback, 0), buffer: 4 << 20},
		udp.WithMessageBuffer(n), udp.WithMaxDatagram(limit), udp.WithOverflow(udp.OverflowDropNewest))
	if err != nil {
		return nil, err
	}
	messages := s.Messages()
	f, err := newFiller(src.at, size, false)
	if err != nil {
		return nil, err
	}
	defer f.close()
	for sent, patience := 0, 0; len(messages) < n; sent += 64 {
		if err := f.send(64); err != nil {
			return nil, err
		}
		for len(messages) < min(sent+64, n) {
			if patience++; patience > 10_000 {
				return nil, fmt.Errorf("%d of %d datagrams came", len(messages), sent+64)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	return s, nil
}
