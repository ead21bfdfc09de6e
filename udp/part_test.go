package udp_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"

	"example.com/dgram/udp"
)

// Parts for tests of faults.

// tally prints what its socket receives, what is on Errors and how it ends.
func tally(ctx context.Context, _ []string) error {
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.Close()
	a := s.LocalAddr()
	fmt.Println("ready", a)
	messages, errs := s.Messages(), s.Errors()
	for messages != nil {
		select {
		case m, open := <-messages:
			if !open {
				messages = nil
				break
			}
			fmt.Println("heard", string(m.Data))
		case err, open := <-errs:
			if !open {
				errs = nil
				break
			}
			fmt.Println("error", err)
		}
	}
	fmt.Println("ended", s.Err())
	<-ctx.Done()
	return nil
}

// salvo sends a hundred datagrams at once, from one thread, as strace counts
// the calls of each for itself: "salvo address".
func salvo(ctx context.Context, args []string) error {
	runtime.LockOSThread()
	to, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return err
	}
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready")
	var batch []udp.Datagram
	for i := range 100 {
		batch = append(batch, udp.Datagram{To: to, Data: fmt.Appendf(nil, "datagram %3d", i)})
	}
	n, err := s.SendBatch(ctx, batch)
	fmt.Println("sent", n, err)
	<-ctx.Done()
	return nil
}

// steal binds a port with the options that share it: "steal address".
func steal(_ context.Context, args []string) error {
	to, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return err
	}
	for _, option := range []udp.Option{udp.WithReuseAddr(), udp.WithReusePort()} {
		s, err := udp.Listen(context.Background(), "udp4", to.String(), option)
		if err == nil {
			s.Close()
			fmt.Println("stolen")
			return nil
		}
		fmt.Println(err)
	}
	return nil
}
