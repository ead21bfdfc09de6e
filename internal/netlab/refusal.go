package netlab

// A Refusal is the way in which a route makes packets fail.
type Refusal int

// The refusals, with the errno of a send on the host that has the route, and the
// ICMP message of a host that forwards.
const (
	Unreachable Refusal = iota // EHOSTUNREACH, host unreachable
	Prohibit                   // EACCES, administratively prohibited
	Blackhole                  // EINVAL, no message
)

// String returns the name of the route type.
func (r Refusal) String() string {
	switch r {
	case Unreachable:
		return "unreachable"
	case Prohibit:
		return "prohibit"
	case Blackhole:
		return "blackhole"
	}
	return "unknown refusal"
}
