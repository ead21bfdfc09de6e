package netlab

// A Refusal is what a route does to packets instead of sending them.
type Refusal int

// Refusals, with the errno that a send meets on the host that has the route. A
// host that forwards answers with the ICMP message.
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
