// Package udp is channel-first UDP.
package udp
