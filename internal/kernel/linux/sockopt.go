//go:build linux

package linux

import (
	"errors"

	"golang.org/x/sys/unix"

	"example.com/dgram/internal/kernel"
)

// configure sets the options that must be set before the bind.
func (c *conn) configure(cfg kernel.Config) error {
	return c.controlAll(func(fd int) error {
		set := settings{fd: fd}
		set.control(c, cfg)
		if c.shared.Load() {
			set.inherited(cfg)
		}
		if c.inet6 {
			set.must(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, truth(cfg.IPv6Only), !c.shared.Load())
		}
		if c.shared.Load() {
			set.sharing(cfg)
		}
		set.must(unix.SOL_SOCKET, unix.SO_BROADCAST, 1, cfg.Broadcast)
		set.timestamps(cfg.Timestamps)
		set.groups(c)
		set.packetInfo(c, cfg.PacketInfo)
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_RECVTOS}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS}, 1, cfg.ReceiveTOS)
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_RECVTTL}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT}, 1, cfg.ReceiveTTL)
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER}, unix.IP_PMTUDISC_DO, cfg.DontFragment)
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_RECVERR}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVERR}, truth(cfg.ICMPErrors), cfg.ICMPErrors || c.shared.Load())
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_TTL}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS}, cfg.TTL, cfg.TTL > 0)
		set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_TOS}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_TCLASS}, cfg.TOS, cfg.TOS > 0)
		set.must(unix.SOL_SOCKET, unix.SO_RCVBUF, cfg.ReadBuffer, cfg.ReadBuffer > 0)
		set.must(unix.SOL_SOCKET, unix.SO_SNDBUF, cfg.WriteBuffer, cfg.WriteBuffer > 0)
		set.overflow()
		if cfg.Interface != "" && set.err == nil {
			if err := bindToDevice(fd, cfg.Interface); err != nil {
				set.err = kernel.InterfaceError(cfg.Interface, err)
			}
		}
		return set.err
	})
}

func (c *conn) speaksIPv4() bool { return !c.inet6 || !c.v6only }

// SetOption sets an integer property.
func (c *conn) SetOption(o kernel.Option, value int) error {
	return c.controlAll(func(fd int) error {
		set := settings{fd: fd}
		switch o {
		case kernel.Broadcast:
			set.must(unix.SOL_SOCKET, unix.SO_BROADCAST, value, true)
		case kernel.TTL:
			set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_TTL}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS}, value, true)
		case kernel.TOS:
			set.both(c, [2]int{unix.IPPROTO_IP, unix.IP_TOS}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_TCLASS}, value, true)
		case kernel.ReadBuffer:
			set.must(unix.SOL_SOCKET, unix.SO_RCVBUF, value, true)
		case kernel.WriteBuffer:
			set.must(unix.SOL_SOCKET, unix.SO_SNDBUF, value, true)
		default:
			return errors.ErrUnsupported
		}
		return set.err
	})
}

// Option reads an integer property. For a buffer the kernel reports twice the size
// that was asked for (socket(7)); Option halves it.
func (c *conn) Option(o kernel.Option) (value int, err error) {
	level, option, share := unix.SOL_SOCKET, 0, 1
	switch o {
	case kernel.Broadcast:
		option = unix.SO_BROADCAST
	case kernel.TTL:
		level, option = unix.IPPROTO_IP, unix.IP_TTL
		if c.inet6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
		}
	case kernel.TOS:
		level, option = unix.IPPROTO_IP, unix.IP_TOS
		if c.inet6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		}
	case kernel.ReadBuffer:
		option, share = unix.SO_RCVBUF, 2
	case kernel.WriteBuffer:
		option, share = unix.SO_SNDBUF, 2
	default:
		return 0, errors.ErrUnsupported
	}
	err = c.control("getsockopt", func(fd uintptr) (err error) {
		value, err = unix.GetsockoptInt(int(fd), level, option)
		return err
	})
	return value / share, err
}

// controlAll is control for functions that make several calls and name them in
// their errors.
func (c *conn) controlAll(f func(fd int) error) error {
	var err error
	if closed := c.Borrow().Control(func(fd uintptr) { err = f(int(fd)) }); closed != nil {
		return closed
	}
	return err
}

func truth(on bool) int {
	if on {
		return 1
	}
	return 0
}
