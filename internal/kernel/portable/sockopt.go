//go:build unix || windows

package portable

import (
	"errors"
	"syscall"

	"example.com/dgram/internal/kernel"
)

// longest is more than the payload of any datagram.
const longest = 65535

// configure sets the options that must be set before the bind. An adopted socket
// keeps options that only Open sets.
func (c *conn) configure(fd uintptr, cfg kernel.Config) error {
	s := settings{fd: fd}
	if !c.shared.Load() {
		if c.inet6 {
			s.do(v6only(fd, cfg.IPv6Only))
		}
		s.set(levelSocket, nameBroadcast, 0, !cfg.Broadcast && s.get(levelSocket, nameBroadcast) != 0) // package net turns broadcast on
	}
	s.set(levelSocket, nameBroadcast, 1, cfg.Broadcast)
	s.call(reuseAddr, cfg.ReuseAddr)
	s.call(exclusive, !cfg.ReuseAddr && !c.shared.Load())
	s.call(reusePort, cfg.ReusePort)
	s.do(c.disableMulticastAll(fd))
	if cfg.ReadBuffer > 0 {
		s.buffer(nameReadBuffer, cfg.ReadBuffer)
	}
	switch {
	case cfg.WriteBuffer > 0:
		s.buffer(nameWriteBuffer, cfg.WriteBuffer)
	case !c.shared.Load() && s.get(levelSocket, nameWriteBuffer)/bufferDoubling < longest:
		// On BSD and macOS the buffer is the limit of one datagram: 9216 bytes
		// by default (net.inet.udp.maxdgram).
		s.try(func(fd uintptr) error { return setInt(fd, levelSocket, nameWriteBuffer, longest) }, true)
	}
	s.both(c, nameTTL, nameHops, cfg.TTL, cfg.TTL > 0)
	c.knowsTo = cfg.PacketInfo != kernel.Off
	s.call(c.packetInfo, cfg.PacketInfo == kernel.On)
	s.try(c.packetInfo, cfg.PacketInfo == kernel.Try)
	if cfg.TOS > 0 {
		s.tos(c, cfg.TOS)
	}
	s.call(c.receiveTOS, cfg.ReceiveTOS)
	s.call(c.receiveTTL, cfg.ReceiveTTL)
	s.call(c.dontFragment, cfg.DontFragment)
	s.call(func(fd uintptr) error {
		return kernel.InterfaceError(cfg.Interface, c.useInterface(fd, cfg.Interface))
	}, cfg.Interface != "")
	s.call(func(uintptr) error { return unsupported("receive times") }, cfg.Timestamps)
	s.call(func(uintptr) error { return unsupported("ICMP errors") }, cfg.ICMPErrors)
	return s.err
}

// BindToDevice binds to the device with the name, if the system can.
func (c *conn) BindToDevice(name string) error {
	return c.control(func(fd uintptr) error { return kernel.InterfaceError(name, c.useInterface(fd, name)) })
}

// settings sets options until one fails. Later calls do nothing.
type settings struct {
	fd  uintptr
	err error
}

func (s *settings) do(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *settings) get(level, name int) int {
	value, _ := getInt(s.fd, level, name)
	return value
}

func (s *settings) set(level, name, value int, wanted bool) {
	if wanted && s.err == nil {
		s.err = setInt(s.fd, level, name, value)
	}
}

func (s *settings) call(f func(fd uintptr) error, wanted bool) {
	if wanted && s.err == nil {
		s.err = f(s.fd)
	}
}

// try calls f and ignores its error.
func (s *settings) try(f func(fd uintptr) error, wanted bool) {
	if wanted && s.err == nil {
		_ = f(s.fd)
	}
}

// both sets an option for each family that the socket speaks. Some systems refuse
// IPv4's options on a dual-stack socket.
func (s *settings) both(c *conn, v4, v6, value int, wanted bool) {
	s.set(levelIPv4, v4, value, wanted && !c.inet6)
	s.set(levelIPv6, v6, value, wanted && c.inet6)
	s.try(func(fd uintptr) error { return setInt(fd, levelIPv4, v4, value) }, wanted && c.inet6 && c.speaksIPv4())
}

// tos sets the type of service of sent datagrams; 0 is the default of every system.
func (s *settings) tos(c *conn, value int) {
	if value != 0 && !hasTOS {
		s.do(unsupported("type of service"))
	}
	s.both(c, nameTOS, nameClass, value, hasTOS)
}

// buffer sets the size of a buffer.
func (s *settings) buffer(name, size int) {
	if s.err == nil {
		s.err = setAtMost(size, func(n int) error { return setInt(s.fd, levelSocket, name, n) })
	}
}

// setAtMost sets a buffer to size, or to the largest size that the system grants.
// Linux reduces the size by itself. BSD, macOS and Solaris refuse a size above
// their limit with ENOBUFS (kern.ipc.maxsockbuf, kern.sbmax, udp_max_buf).
func setAtMost(size int, set func(size int) error) error {
	err := set(size)
	if !errors.Is(err, syscall.ENOBUFS) {
		return err
	}
	granted, refused := 0, size
	for refused-granted > 1024 {
		if half := granted + (refused-granted)/2; set(half) == nil {
			granted = half
		} else {
			refused = half
		}
	}
	if granted == 0 {
		return err
	}
	return nil
}

// SetOption sets an integer property.
func (c *conn) SetOption(o kernel.Option, value int) error {
	return c.control(func(fd uintptr) error {
		s := settings{fd: fd}
		switch o {
		case kernel.Broadcast:
			s.set(levelSocket, nameBroadcast, value, true)
		case kernel.TTL:
			s.both(c, nameTTL, nameHops, value, true)
		case kernel.TOS:
			s.tos(c, value)
		case kernel.ReadBuffer:
			s.buffer(nameReadBuffer, value)
		case kernel.WriteBuffer:
			s.buffer(nameWriteBuffer, value)
		default:
			return errors.ErrUnsupported
		}
		return s.err
	})
}

// Option reads an integer property.
func (c *conn) Option(o kernel.Option) (value int, err error) {
	level, name, share := levelSocket, 0, 1
	switch o {
	case kernel.Broadcast:
		name = nameBroadcast
	case kernel.TTL:
		level, name = levelIPv4, nameTTL
		if c.inet6 {
			level, name = levelIPv6, nameHops
		}
	case kernel.TOS:
		level, name = levelIPv4, nameTOS
		if c.inet6 {
			level, name = levelIPv6, nameClass
		}
	case kernel.ReadBuffer:
		name, share = nameReadBuffer, bufferDoubling
	case kernel.WriteBuffer:
		name, share = nameWriteBuffer, bufferDoubling
	default:
		return 0, errors.ErrUnsupported
	}
	err = c.control(func(fd uintptr) (err error) {
		if o == kernel.TOS && !hasTOS {
			return nil // it is 0
		}
		value, err = getInt(fd, level, name)
		return err
	})
	if o == kernel.Broadcast && value != 0 {
		value = 1 // BSD answers with the option's bit
	}
	return value / share, err
}
