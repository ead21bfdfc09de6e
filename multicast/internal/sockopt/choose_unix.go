//go:build unix && !linux

package sockopt

import "syscall"

func system(c syscall.RawConn) options { return xnet{c} }
