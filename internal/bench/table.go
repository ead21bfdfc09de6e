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

// markdown is the page for docs/: the table of targets, and the figures behind it.
func (r report) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# Benchmarks: targets and figures\n\n%s\n\n", r.machine)
	fmt.Fprintf(&w, "Each figure is the median of %d alternating rounds, with the smallest and the largest: a ratio of CPU per datagram "+
		"unless the row says otherwise. *Idle*: nothing else runs. *Busy*: every CPU has other work, at the lowest priority, as on a server; "+
		"so is every row that does not say. The whole process is counted, with default options.\n\n"+
		"[choosing](choosing.md) says what follows from them. `(cd internal/bench && go run .)` measures on your machine; `-o DIR` writes this page and its picture. This run took %d s.\n\n", r.rounds, int(r.took.Seconds()))
	fmt.Fprintln(&w, "## Targets")
	fmt.Fprintln(&w, "\n| # | what | ÷ | measured | target | |")
	fmt.Fprintln(&w, "|--:|---|---|---|---|---|")
	for _, res := range r.results {
		fmt.Fprintf(&w, "| %d | %s | %s | %s | %s | %s |\n",
			res.row, res.what, res.neighbor, res.measured(), res.target, res.remark())
	}
	fmt.Fprintf(&w, "\nOn this machine a message of 128 bytes costs %s ns from goroutine to goroutine on one P, and a system call that does nothing %s ns.\n",
		number3(r.facts.hop), number3(r.facts.call))
	fmt.Fprintln(&w, "\n## Figures\n\n"+
		"Medians of each program's own figures. They drift with the machine by the minute; the ratios do not.")
	group := ""
	for _, f := range r.figures {
		if f.group != group {
			group = f.group
			fmt.Fprintf(&w, "\n%s:\n\n| program | | |\n|---|--:|---|\n", group)
		}
		fmt.Fprintf(&w, "| %s | %s | %s |\n", markedTitle(f.variant), number3(f.value), f.metric)
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

// remark is the verdict, with what else to judge the figure by.
func (r result) remark() string {
	if r.problem == "" && len(r.besides) > 0 {
		return fmt.Sprintf("%s; %s %s", r.verdict(), r.beside.name, number3(median(r.besides)))
	}
	return r.verdict()
}

func (t target) String() string {
	sign := "≤"
	if t.atLeast {
		sign = "≥"
	}
	if t.value == none {
		return "0"
	}
	if t.unit != "" {
		return fmt.Sprintf("%s %.0f%s", sign, t.value, t.unit)
	}
	return fmt.Sprintf("%s %.3g", sign, t.value)
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

// titles are the variants' names for readers.
var titles = map[string]string{
	"net":           "net",
	"net-readfrom":  "net ReadFrom",
	"naive":         "naive channel",
	"xnet":          "x/net batch",
	"gnet":          "gnet",
	"node":          "Node",
	"c-recvmmsg":    "C recvmmsg",
	"c-gro":         "C recvmmsg+GRO",
	"c-sendmmsg":    "C sendmmsg",
	"c-gso":         "C sendmmsg+GSO",
	"net-writeto":   "net WriteTo",
	"net-write":     "net Write, connected",
	"messages":      "Messages",
	"messages-keep": "Messages, no Release",
	"messages-1024": "Messages, buffer 1024",
	"kept":          "a kept message, bytes x burst",
	"full":          "a full channel, bytes/limit",
	"receive":       "Receive",
	"receive-batch": "ReceiveBatch",
	"all":           "All",
	"view":          "PacketConn",
	"outbox":        "Outbox",
	"sendbatch":     "SendBatch",
	"sendto":        "SendTo",
	"send":          "Send, connected",
}

func titleOf(variant string) string {
	variant = strings.TrimPrefix(variant, otherPrefix)
	name, count, many := strings.Cut(variant, "@")
	if title, ok := titles[name]; ok {
		name = title
	}
	if many {
		name += " @ " + count
	}
	return name
}

// isOurs reports whether a variant is dgram's.
func isOurs(variant string) bool {
	name, _, _ := strings.Cut(variant, "@")
	switch name {
	case "net", "net-readfrom", "naive", "xnet", "gnet", "node", "net-writeto", "net-write":
		return false
	}
	return !strings.HasPrefix(name, "c-")
}

func markedTitle(variant string) string {
	if isOurs(variant) {
		return "**" + titleOf(variant) + "**"
	}
	return titleOf(variant)
}
