package sockopt

import "syscall"

// Both returns the two implementations for one descriptor.
func Both(c syscall.RawConn, inet6, dual bool) map[string]Groups {
	return map[string]Groups{
		"own":  {options: own{c}, inet6: inet6, dual: dual},
		"xnet": {options: xnet{c}, inet6: inet6, dual: dual},
	}
}
