package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"example.com/dgram/udp/udptest"
)

// A resolver asks again when no answer comes. Through a third of loss each way,
// every question is answered in the end, and each answer is to its question.
func TestQuestionsThroughLoss(t *testing.T) {
	z, err := newZone("example.test.")
	if err != nil {
		t.Fatal(err)
	}
	if err := z.add("www.example.test.", "192.0.2.80"); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		n := udptest.NewNetwork(t)
		resolver, server := n.Host("192.0.2.1"), n.Host("192.0.2.2")
		n.Link(resolver, server, udptest.Latency(20*time.Millisecond), udptest.Loss(0.33))
		s, err := server.Listen(t.Context(), "udp4", ":53")
		if err != nil {
			t.Fatal(err)
		}
		go serve(t.Context(), s, z)
		c, err := resolver.Dial(t.Context(), "udp4", "192.0.2.2:53")
		if err != nil {
			t.Fatal(err)
		}
		for id := range uint16(100) {
			q := dnsmessage.Message{
				Header: dnsmessage.Header{ID: id},
				Questions: []dnsmessage.Question{{
					Name: dnsmessage.MustNewName("www.example.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET,
				}},
			}
			question, err := q.Pack()
			if err != nil {
				t.Fatal(err)
			}
			answered := false
			for tries := 0; !answered; tries++ {
				if tries == 50 {
					t.Fatalf("question %d: no answer", id)
				}
				if err := c.Send(t.Context(), question); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				m, err := c.Receive(ctx)
				cancel()
				if err != nil {
					continue
				}
				var a dnsmessage.Message
				if err := a.Unpack(m.Data); err != nil || len(a.Answers) != 1 {
					t.Fatalf("question %d: %+v, %v", id, a, err)
				}
				answered = a.ID == id
			}
		}
		if lost := n.Totals().Lost[udptest.Lost]; lost < 50 {
			t.Errorf("%d lost", lost)
		}
	})
}
