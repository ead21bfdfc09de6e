//go:build unix || windows

package portable

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/dgram/internal/kernel"
)

var datagrams = sync.Pool{New: func() any { return new(kernel.Datagram) }}

// SendTo sends b without waiting.
func (c *conn) SendTo(b []byte, to netip.AddrPort) error {
	d := datagrams.Get().(*kernel.Datagram)
	d.Data, d.To = b, to
	err := c.Send(d, nil)
	d.Data = nil
	datagrams.Put(d)
	return err
}

// SendBatch sends the datagrams with one call each.
func (c *conn) SendBatch(ds []kernel.Datagram) (int, error) {
	for i := range ds {
		if err := c.Send(&ds[i], nil); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

// A wait in the poller ends after lostEdge, because macOS sends no event for UDP
// when there is room again. fullQueue is the wait after ENOBUFS, a full device
// queue, for which no system sends an event.
const (
	lostEdge  = 50 * time.Millisecond
	fullQueue = time.Millisecond
)

// SendWait waits for room.
func (c *conn) SendWait(d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	for {
		err := c.Send(d, oob)
		if err != nil && errors.Is(err, syscall.EAGAIN) {
			err = c.sendUntil(d, oob, stop)
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if isClosed(stop) {
				return kernel.ErrStopped
			}
		case err != nil && kernel.WouldBlock(err):
			t := time.NewTimer(fullQueue)
			select {
			case <-t.C:
			case <-stop:
				t.Stop()
				return kernel.ErrStopped
			}
		default:
			return err
		}
	}
}

// sendUntil waits in the poller, which waits for deadlines and not for channels:
// when stop closes, an expired deadline ends the wait.
func (c *conn) sendUntil(d *kernel.Datagram, oob []byte, stop <-chan struct{}) error {
	over, watched := make(chan struct{}), make(chan struct{})
	_ = c.udp.SetWriteDeadline(time.Now().Add(lostEdge))
	go func() {
		defer close(watched)
		select {
		case <-stop:
			_ = c.udp.SetWriteDeadline(time.Unix(1, 0))
		case <-over:
		}
	}()
	err := c.sendWhenReady(d, oob)
	close(over)
	<-watched
	_ = c.udp.SetWriteDeadline(time.Time{})
	return err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
