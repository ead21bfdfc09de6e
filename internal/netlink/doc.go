// Package netlink encodes requests to rtnetlink(7), parses what the kernel
// answers, and on Linux has the socket for both.
//
// The parsers take any bytes. They are built and fuzzed on every system.
package netlink
