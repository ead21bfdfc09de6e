package sockopt

import (
	"syscall"

	"example.com/dgram/internal/host"
)

func system(c syscall.RawConn) options {
	if host.Portable {
		return xnet{c}
	}
	return own{c}
}
