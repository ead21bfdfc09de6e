package main

import (
	"fmt"
	"net/netip"
	"os"
)

// sendJob is what a sender role is asked to do. Its variants are written in ours.go and
// neighbors_*.go.
type sendJob struct {
	to      []netip.AddrPort // taken in turn
	payload []byte
	allocs  bool
}

// A sender sends n datagrams and returns when the kernel has them.
type sender func(n int) error

func send(variant string, job sendJob) error {
	prepare, ok := map[string]func(sendJob) (sender, error){
		"net-writeto": netWriteTo,
		"net-write":   netWrite,
		"xnet":        xnetWriteBatch,
		"naive":       naiveSend,
		"sendbatch":   batchSend,
		"outbox":      outboxSend,
		"sendto":      sendToSend,
		"send":        connectedSend,
	}[variant]
	if !ok {
		return fmt.Errorf("no sender %q", variant)
	}
	send, err := prepare(job)
	if err != nil {
		return err
	}
	ready()
	obey(func(word string, n int) {
		if word != "go" {
			return
		}
		objects, wall, cpu := mallocs(job.allocs), monotonic(), ownCPU()
		if err := send(n); err != nil {
			fail(err)
		}
		cpu, wall = ownCPU()-cpu, monotonic()-wall
		objects = mallocs(job.allocs) - objects
		os.Stdout.Write(appendReport(nil, "sent", int64(n), int64(n*len(job.payload)), wall, cpu, objects))
	})
	return nil
}
