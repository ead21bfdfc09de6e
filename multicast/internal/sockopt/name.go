//go:build unix || windows

package sockopt

import "net"

// nameOf is the name of an interface, "" where there is none.
func nameOf(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name
	}
	return ""
}
