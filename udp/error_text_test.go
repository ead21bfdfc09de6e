package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Errors say what a user can do, and are what they were.
func TestErrorsSayWhatToDo(t *testing.T) {
	ctx := context.Background()
	s := listen(t, "udp4", "127.0.0.1:0")
	for what, c := range map[string]struct {
		call  func() error
		want  error
		texts []string
	}{
		"limited broadcast": {
			func() error { return s.SendTo(ctx, netip.MustParseAddrPort("255.255.255.255:9")) },
			syscall.EACCES, []string{"broadcast is off (WithBroadcast)", "255.255.255.255:9"},
		},
		"a net's broadcast": {
			func() error { return s.SendTo(ctx, netip.MustParseAddrPort("127.255.255.255:9")) },
			syscall.EACCES, []string{"broadcast is off (WithBroadcast)"},
		},
		"broadcast in a batch": {
			func() error {
				_, err := s.SendBatch(ctx, []udp.Datagram{{To: netip.MustParseAddrPort("127.255.255.255:9")}})
				return err
			},
			syscall.EACCES, []string{"broadcast is off (WithBroadcast)"},
		},
		"too long": {
			func() error { return s.SendTo(ctx, at(t, s), make([]byte, 65508)) },
			syscall.EMSGSIZE, []string{"65508", "65507"},
		},
		"no such device": {
			func() error { _, err := udp.Listen(ctx, "udp4", ":0", udp.WithInterface("nosuch0")); return err },
			syscall.ENODEV, []string{"interface nosuch0"},
		},
		"out of range": {
			func() error { return s.SetTTL(0) },
			syscall.EINVAL, []string{"TTL 0 is not between 1 and 255"},
		},
		"an option out of range": {
			func() error { _, err := udp.New("udp4", udp.WithTOS(256)); return err },
			syscall.EINVAL, []string{"TOS 256 is not between 0 and 255"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			err := c.call()
			if c.want == syscall.ENODEV && errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			fails(t, err, c.want)
			for _, text := range c.texts {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q lacks %q", err, text)
				}
			}
		})
	}
}

// What fails because the socket has ended finds net.ErrClosed and the cause, and its
// text names both, whatever the call.
func TestTheEndIsNamedWithItsCause(t *testing.T) {
	cause := errors.New("out of coffee")
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := udp.Listen(ctx, "udp4", "127.0.0.1:0")
	mine(t, s, err)
	to := at(t, s)
	s.Outbox()
	cancel(cause)
	ended(t, "done", s.Done())
	_, resolveErr := s.Resolve(t.Context(), "localhost:9")
	_, batchErr := s.SendBatch(t.Context(), []udp.Datagram{{To: to}})
	_, receiveErr := s.Receive(t.Context())
	for what, err := range map[string]error{
		"SendTo": s.SendTo(t.Context(), to), "Send": s.Send(t.Context()), "SendToHost": s.SendToHost(t.Context(), to.String()),
		"Reply": s.Reply(t.Context(), udp.Message{From: to}), "SendBatch": batchErr, "Resolve": resolveErr, "Receive": receiveErr,
		"Flush": s.Flush(t.Context()), "Bind": s.Bind(t.Context(), ""), "Connect": s.Connect(t.Context(), to.String()),
		"Disconnect": s.Disconnect(), "SetTTL": s.SetTTL(1), "Drain": s.Drain(t.Context()),
	} {
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, cause) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, shaped := err.(*net.OpError); !shaped {
			t.Errorf("%s: %T is not net's shape", what, err)
		}
		for _, text := range []string{net.ErrClosed.Error(), cause.Error()} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q lacks %q", what, err, text)
			}
		}
	}
}
