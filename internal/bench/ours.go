package main

// All the code that uses dgram, written as a user would write it.

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"example.com/dgram/udp"
)

func listen(job recvJob, opts ...udp.Option) (*udp.Socket, source, error) {
	s, err := udp.Listen(context.Background(), network(job.at.Addr()), job.at.String(), opts...)
	if err != nil {
		return nil, source{}, err
	}
	if err := enlarge(s, job.buffer); err != nil {
		return nil, source{}, err
	}
	if job.bursts {
		err = keepBursts(s)
	}
	return s, source{at: s.LocalAddr(), stats: s.Stats, close: s.Close}, err
}

// keepBursts turns receive offload on before the first read does: what is queued without
// it is queued in pieces. A program that reads from the beginning has no use for this.
func keepBursts(s *udp.Socket) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var bad error
	err = raw.Control(func(fd uintptr) { bad = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1) })
	return errors.Join(err, bad)
}

// ours opens a socket of dgram's, which read will read.
func ours(read func(s *udp.Socket, m *meter) error, opts ...udp.Option) func(recvJob) (source, error) {
	return func(job recvJob) (source, error) {
		s, src, err := listen(job, opts...)
		src.read = func(m *meter) error { return read(s, m) }
		return src, err
	}
}

// readMessages reads the channel. Without release it leaves the memory to the garbage
// collector.
func readMessages(release bool) func(s *udp.Socket, m *meter) error {
	return func(s *udp.Socket, m *meter) error {
		for msg := range s.Messages() {
			more := m.add(len(msg.Data))
			if release {
				msg.Release()
			}
			if !more {
				return nil
			}
		}
		return s.Err()
	}
}

func readAll(s *udp.Socket, m *meter) error {
	for msg, err := range s.All(context.Background()) {
		if err != nil {
			return err
		}
		more := m.add(len(msg.Data))
		msg.Release()
		if !more {
			return nil
		}
	}
	return s.Err()
}

// readReceive calls Receive with a context that can end, as programs do.
func readReceive(s *udp.Socket, m *meter) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		msg, err := s.Receive(ctx)
		if err != nil {
			return err
		}
		more := m.add(len(msg.Data))
		msg.Release()
		if !more {
			return nil
		}
	}
}

func readBatches(s *udp.Socket, m *meter) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	batch := make([]udp.Message, 64)
	for {
		n, err := s.ReceiveBatch(ctx, batch)
		if err != nil {
			return err
		}
		for i := range batch[:n] {
			more := m.add(len(batch[i].Data))
			batch[i].Release()
			if !more {
				return nil
			}
		}
	}
}

// viewSource is the loop of code that knows a net.PacketConn, on a socket of ours.
func viewSource(job recvJob) (source, error) {
	s, src, err := listen(job)
	if err != nil {
		return src, err
	}
	c := s.PacketConn()
	src.read = func(m *meter) error { return readFrom(c, m) }
	return src, nil
}

func messagesEcho(at netip.AddrPort) error {
	ctx := context.Background()
	s, src, err := listen(recvJob{at: at})
	if err != nil {
		return err
	}
	go obey(func(string, int) {})
	messages := s.Messages()
	ready(int64(src.at.Port()))
	for msg := range messages {
		if err := s.Reply(ctx, msg, msg.Data); err != nil {
			return err
		}
		msg.Release()
	}
	return s.Err()
}

// messagesMany opens one socket with a goroutine that receives from it.
func messagesMany(at netip.AddrPort, got func(n int)) (netip.AddrPort, error) {
	s, err := udp.Listen(context.Background(), network(at.Addr()), at.String(), udp.WithReadBuffer(4<<20))
	if err != nil {
		return netip.AddrPort{}, err
	}
	go func() {
		for msg := range s.Messages() {
			got(len(msg.Data))
			msg.Release()
		}
	}()
	return s.LocalAddr(), nil
}

// unbound opens a socket for a sender role on a free port.
func unbound(job sendJob) (*udp.Socket, error) {
	return udp.Listen(context.Background(), network(job.to[0].Addr()), "")
}

func outboxSend(job sendJob) (sender, error) {
	s, err := unbound(job)
	if err != nil {
		return nil, err
	}
	outbox := s.Outbox()
	return func(n int) error {
		for i := range n {
			outbox <- udp.Datagram{Data: job.payload, To: job.to[i%len(job.to)]}
		}
		if err := s.Flush(context.Background()); err != nil {
			return err
		}
		if dropped := s.Stats().SendDropped; dropped > 0 {
			return fmt.Errorf("%d datagrams were not sent", dropped)
		}
		return nil
	}, nil
}

func batchSend(job sendJob) (sender, error) {
	s, err := unbound(job)
	if err != nil {
		return nil, err
	}
	batch := make([]udp.Datagram, 256)
	for i := range batch {
		batch[i] = udp.Datagram{Data: job.payload, To: job.to[i%len(job.to)]}
	}
	return func(n int) error {
		for n > 0 {
			sent, err := s.SendBatch(context.Background(), batch[:min(n, len(batch))])
			if err != nil {
				return err
			}
			n -= sent
		}
		return nil
	}, nil
}

func sendToSend(job sendJob) (sender, error) {
	ctx := context.Background()
	s, err := unbound(job)
	if err != nil {
		return nil, err
	}
	return func(n int) error {
		for i := range n {
			if err := s.SendTo(ctx, job.to[i%len(job.to)], job.payload); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func connectedSend(job sendJob) (sender, error) {
	ctx := context.Background()
	s, err := udp.Dial(ctx, network(job.to[0].Addr()), job.to[0].String())
	if err != nil {
		return nil, err
	}
	return func(n int) error {
		for range n {
			if err := s.Send(ctx, job.payload); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
