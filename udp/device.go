package udp

import (
	"context"
	"errors"
	"net/netip"
	"strconv"

	"example.com/dgram/internal/host"
	"example.com/dgram/internal/kernel"
	"example.com/dgram/internal/watch"
)

// A kernel socket is bound to a device by its number, which a device that is deleted
// and made again has not: the socket would hear nothing, without a word. A heldDevice
// holds the name, as package multicast does for groups.
type heldDevice struct {
	s     *Socket
	name  string
	conns []kernel.Conn

	index  int  // of the device that the sockets are bound to
	gone   bool // and reported
	failed int  // index of a device that could not be bound to, and reported
}

// holdDevice starts the goroutine that follows the device of a socket that is bound
// to one: by WithInterface, or by the zone of its address. The caller holds mu.
func (s *Socket) holdDevice(ep *endpoint) {
	name := s.cfg.kernel.Interface
	if name == "" {
		name = ep.bound.Addr().Zone()
	}
	if _, err := strconv.Atoi(name); err == nil || name == "" {
		return
	}
	if _, can := ep.conns[0].(kernel.DeviceBinder); !can {
		return
	}
	h := &heldDevice{s: s, name: name, conns: ep.conns}
	h.index, _ = ep.conns[0].Index(name)
	var w watch.Watcher
	open := func() error {
		w = host.OpenWatcher()
		return nil
	}
	if watch.In(ep.conns[0].Borrow(), open) != nil {
		_ = open() // look asks the socket itself
	}
	s.group.Go(func() error {
		h.follow(w)
		return nil
	})
}

// follow looks after each change, and from time to time: the watcher may be in
// another network namespace than the socket.
func (h *heldDevice) follow(w watch.Watcher) {
	defer func() { w.Close() }()
	for !h.s.ending() {
		ctx, cancel := context.WithTimeout(h.s.lifetime, watch.Interval)
		_, err := w.Wait(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !h.s.ending() {
			w.Close()
			w = watch.Poll(watch.Now, watch.Interval)
		}
		h.look()
	}
}

// look binds the sockets again if the name is another device's now.
func (h *heldDevice) look() {
	index, err := h.conns[0].Index(h.name)
	switch {
	case h.s.ending():
	case err != nil:
		if !h.gone {
			h.gone = true
			h.report(err)
		}
	case index == h.index:
		h.gone = false
	case h.gone || index != h.failed:
		h.gone = false
		h.bind(index)
	}
}

func (h *heldDevice) bind(index int) {
	for _, conn := range h.conns {
		if err := conn.(kernel.DeviceBinder).BindToDevice(h.name); err != nil {
			h.failed = index
			h.report(err)
			return
		}
	}
	h.index = index
}

func (h *heldDevice) report(err error) {
	h.s.report(h.s.opError("bind", netip.AddrPort{}, err))
}
