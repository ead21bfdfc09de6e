package netlab

// For tests in the external package.
var (
	ParseMessages   = parseMessages
	ParseAttributes = parseAttributes
	ParsePortState  = parsePortState
	ParseIGMP       = parseIGMP
	ParseIGMP6      = parseIGMP6
	ParseUDP        = parseUDP
	ParseSNMP       = parseSNMP
	ParseSNMP6      = parseSNMP6
)

const OutsideVar = outsideVar

// Refused returns what a message says about its request.
func (m message) Refused() error { return m.refused() }

// Size returns the size of the message with its header.
func (m message) Size() int { return messageHeader + len(m.body) }

// Size returns the size of the attribute with its header.
func (a attribute) Size() int { return attributeHeader + len(a.value) }

// Request returns a request of one attribute in another, as sent.
func Request(outer, inner uint16, value string) []byte {
	r := newRequest(outer, create, struct{ Index uint32 }{7})
	r.nest(outer, func() { r.string(inner, value) })
	return r.finish(0, 1)
}
