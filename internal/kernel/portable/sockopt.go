//go:build unix || windows

package portable

import (
	"errors"

	"example.com/dgram/internal/kernel"
)

// configure sets what has to be set before the socket is bound. An adopted
// socket keeps what only its maker could choose.
func (c *conn) configure(fd uintptr, cfg kernel.Config) error {
	s := settings{fd: fd}
	if !c.shared.Load() {
		if c.inet6 {
			s.do(v6only(fd, cfg.IPv6Only))
		}
		s.set(levelSocket, nameBroadcast, 0, !cfg.Broadcast && s.get(levelSocket, nameBroadcast) != 0) // net turns it on
	}
	s.set(levelSocket, nameBroadcast, 1, cfg.Broadcast)
	s.call(reuseAddr, cfg.ReuseAddr)
	s.call(reusePort, cfg.ReusePort)
	s.do(c.ownGroups(fd))
	s.set(levelSocket, nameReadBuffer, cfg.ReadBuffer, cfg.ReadBuffer > 0)
	s.set(levelSocket, nameWriteBuffer, cfg.WriteBuffer, cfg.WriteBuffer > 0)
	s.both(c, nameTTL, nameHops, cfg.TTL, cfg.TTL > 0)
	s.call(c.packetInfo, cfg.PacketInfo == kernel.On)
	s.try(c.packetInfo, cfg.PacketInfo == kernel.Try)
	s.call(c.receiveTOS, cfg.TOS)
	s.call(c.dontFragment, cfg.DontFragment)
	s.call(func(fd uintptr) error { return c.useInterface(fd, cfg.Interface) }, cfg.Interface != "")
	s.call(func(uintptr) error { return unsupported("receive times") }, cfg.Timestamps)
	s.call(func(uintptr) error { return unsupported("ICMP errors") }, cfg.ICMPErrors)
	return s.err
}

// settings sets options until one fails.
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

// try is call for what may fail.
func (s *settings) try(f func(fd uintptr) error, wanted bool) {
	if wanted && s.err == nil {
		_ = f(s.fd)
	}
}

// both sets an option for each family that the socket speaks. Not every system
// lets a dual-stack socket have IPv4's.
func (s *settings) both(c *conn, v4, v6, value int, wanted bool) {
	s.set(levelIPv4, v4, value, wanted && !c.inet6)
	s.set(levelIPv6, v6, value, wanted && c.inet6)
	s.try(func(fd uintptr) error { return setInt(fd, levelIPv4, v4, value) }, wanted && c.inet6 && c.speaksIPv4())
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
			s.both(c, nameTOS, nameClass, value, true)
		case kernel.ReadBuffer:
			s.set(levelSocket, nameReadBuffer, value, true)
		case kernel.WriteBuffer:
			s.set(levelSocket, nameWriteBuffer, value, true)
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
		name, share = nameReadBuffer, bufferShare
	case kernel.WriteBuffer:
		name, share = nameWriteBuffer, bufferShare
	default:
		return 0, errors.ErrUnsupported
	}
	err = c.control(func(fd uintptr) (err error) {
		value, err = getInt(fd, level, name)
		return err
	})
	if o == kernel.Broadcast && value != 0 {
		value = 1 // BSD answers with the option's bit
	}
	return value / share, err
}
