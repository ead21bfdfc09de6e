package main

// All the code that uses dgram: the variants "messages", "messages-256", "messages-keep", "all",
// "outbox", "sendto" and "send", written as a user would write them.

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"example.com/dgram/udp"
)

// listen opens a socket for a receiver role. Its "stats" command answers
// "stats <received> <read calls>".
func listen(job recvJob, opts ...udp.Option) (*udp.Socket, error) {
	s, err := udp.Listen(context.Background(), network(job.at.Addr()), job.at.String(), opts...)
	if err != nil {
		return nil, err
	}
	if err := enlarge(s, job.buffer); err != nil {
		return nil, err
	}
	go obey(func(word string, _ int) {
		if word == "stats" {
			stats := s.Stats()
			os.Stdout.Write(appendReport(nil, "stats", int64(stats.Received), int64(stats.ReadCalls)))
		}
	})
	return s, nil
}

func messagesReceive(job recvJob, release bool, opts ...udp.Option) error {
	s, err := listen(job, opts...)
	if err != nil {
		return err
	}
	m, messages := newMeter(job.every, job.allocs), s.Messages()
	ready()
	if !release {
		for msg := range messages {
			m.add(len(msg.Data))
		}
		return s.Err()
	}
	for msg := range messages {
		m.add(len(msg.Data))
		msg.Release()
	}
	return s.Err()
}

func allReceive(job recvJob) error {
	s, err := listen(job)
	if err != nil {
		return err
	}
	m := newMeter(job.every, job.allocs)
	ready()
	for msg, err := range s.All(context.Background()) {
		if err != nil {
			return err
		}
		m.add(len(msg.Data))
		msg.Release()
	}
	return s.Err()
}

func messagesEcho(at netip.AddrPort) error {
	ctx := context.Background()
	s, err := listen(recvJob{at: at})
	if err != nil {
		return err
	}
	messages := s.Messages()
	ready()
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
	return s.LocalAddr()
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
