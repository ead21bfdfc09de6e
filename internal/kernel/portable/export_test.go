//go:build unix

package portable

import "net/netip"

// ParseControl is what parseControl finds.
func ParseControl(b []byte) (to netip.Addr, index int, tos uint8, foreign bool) {
	i := parseControl(b)
	return i.to, i.index, i.tos, i.foreign
}

// Control is control.
func Control(level, kind int, data []byte) []byte { return control(level, kind, data) }

// SetAtMost is setAtMost.
func SetAtMost(size int, set func(size int) error) error { return setAtMost(size, set) }
