package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A report is the outcome of a run.
type report struct {
	machine machine
	facts   facts
	rounds  int
	took    time.Duration
	results []result
	figures []figure
}

func (r report) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# Measured against the neighbours\n\n%s\n\n", r.machine)
	fmt.Fprintf(&w, "Each figure is the median of %d alternating rounds, with the smallest and the largest, "+
		"as a ratio to the neighbour: CPU per datagram unless the row says otherwise. "+
		"Made by `go run .` in `internal/bench`, in %d s.\n\n", r.rounds, int(r.took.Seconds()))
	fmt.Fprintln(&w, "| # | what | neighbour | measured | beside it |")
	fmt.Fprintln(&w, "|--:|---|---|---|---|")
	for _, res := range r.results {
		fmt.Fprintf(&w, "| %d | %s | %s | %s | %s |\n",
			res.row, res.what, res.neighbour, res.measured(), res.context())
	}
	fmt.Fprintf(&w, "\nA floor is what the C program pays for the same datagrams plus one hop through a Go channel, "+
		"as a ratio to the same neighbour: nothing that delivers datagram by datagram through a channel gets below it. "+
		"A hop costs %s ns on this machine, a system call that does nothing %s ns.\n",
		number3(r.facts.hop), number3(r.facts.call))
	fmt.Fprintln(&w, "\n## Targets\n\n| # | what | neighbour | target | |\n|--:|---|---|---|---|")
	for _, res := range r.results {
		fmt.Fprintf(&w, "| %d | %s | %s | %s | %s |\n", res.row, res.what, res.neighbour, res.target, res.verdict())
	}
	w.WriteString(r.reasons())
	fmt.Fprintln(&w, "\n## What stands behind the ratios\n\n"+
		"Medians of the variants' own figures. They drift with the machine by the minute; the ratios do not.")
	group := ""
	for _, f := range r.figures {
		if f.group != group {
			group = f.group
			fmt.Fprintf(&w, "\n%s:\n\n| variant | | |\n|---|--:|---|\n", group)
		}
		fmt.Fprintf(&w, "| %s | %s | %s |\n", titleOf(f.variant), number3(f.value), f.metric)
	}
	return w.String()
}

// failures are the figures that should be there and are not. What is short is no failure.
func (r report) failures() error {
	var errs []error
	for _, res := range r.results {
		if strings.HasPrefix(res.problem, "failed") {
			errs = append(errs, fmt.Errorf("row %d, %s: %s", res.row, res.what, res.problem))
		}
	}
	return errors.Join(errs...)
}

func (r result) median() float64 { return median(r.figures) }

func (r result) measured() string {
	if r.problem != "" {
		return r.problem
	}
	return fmt.Sprintf("%s (%s..%s)%s", number3(r.median()),
		number3(slices.Min(r.figures)), number3(slices.Max(r.figures)), r.target.unit)
}

func (r result) verdict() string {
	switch {
	case r.problem != "":
		return "not measured"
	case r.target.met(r.median()):
		return "reached"
	}
	return "short"
}

// context is what else to judge the figure by: the floor and the other variant,
// where there are any.
func (r result) context() string {
	var parts []string
	if r.problem == "" && len(r.floors) > 0 {
		parts = append(parts, "floor "+number3(median(r.floors)))
	}
	if r.problem == "" && len(r.besides) > 0 {
		parts = append(parts, r.beside.name+" "+number3(median(r.besides)))
	}
	return strings.Join(parts, "; ")
}

func (t target) String() string {
	sign := "≤"
	if t.atLeast {
		sign = "≥"
	}
	if t.value == none {
		return "0"
	}
	return fmt.Sprintf("%s %g%s", sign, t.value, t.unit)
}

// number3 writes a number with three digits that mean something, or four about 1.
func number3(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	case size >= 2:
		return fmt.Sprintf("%.2f", v)
	case size >= 0.0005:
		return fmt.Sprintf("%.3f", v)
	}
	return "0"
}

// titleOf is a variant's name for readers.
func titleOf(variant string) string {
	name, count, many := strings.Cut(variant, "@")
	if title, ok := map[string]string{
		"net":           "net",
		"xnet":          "x/net batch",
		"gnet":          "gnet v2.9",
		"node":          "Node dgram",
		"c-recvmmsg":    "C recvmmsg",
		"c-gro":         "C recvmmsg+GRO",
		"c-sendmmsg":    "C sendmmsg",
		"c-gso":         "C sendmmsg+GSO",
		"net-writeto":   "net WriteToUDPAddrPort",
		"net-write":     "net Write, connected",
		"messages":      "**Messages+Release**",
		"messages-keep": "**Messages without Release**",
		"messages-256":  "**Messages+Release, WithMessageBuffer(256)**",
		"all":           "**All**",
		"outbox":        "**Outbox**",
		"sendto":        "**SendTo**",
		"send":          "**Send, connected**",
	}[name]; ok {
		name = title
	}
	if many {
		name += ", " + count + " sockets"
	}
	return name
}
