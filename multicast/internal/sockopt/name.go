//go:build unix || windows

package sockopt

import "net"

// nameOf returns the name of an interface, or "" if there is none with the index.
func nameOf(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name
	}
	return ""
}
