package netlab

// For tests in the external package.
var (
	ParseIGMP  = parseIGMP
	ParseIGMP6 = parseIGMP6
	ParseUDP   = parseUDP
	ParseSNMP  = parseSNMP
	ParseSNMP6 = parseSNMP6
)

const OutsideVar = outsideVar
