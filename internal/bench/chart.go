package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The picture has a panel for receiving and one for sending. A panel has a block for each
// kind of traffic, a block a bar for each program: the CPU time that a datagram costs, on
// one linear scale for the panel.
const (
	chartWidth  = 860.0
	chartLabels = 190.0 // width of the names
	chartFigure = 80.0  // width of the numbers
	chartBar    = 19.0
	chartBlock  = 34.0 // a block's title, and the gap above it
	chartPanel  = 62.0 // a panel's title and axis
)

// chartOrder is how the bars of a block stand: ours, then the neighbors.
var chartOrder = []string{
	"messages", "all", "receive-batch", "outbox", "sendbatch", "sendto",
	"net", "net-writeto", "naive", "xnet", "gnet", "node", "c-recvmmsg", "c-gro", "c-sendmmsg", "c-gso",
}

// A block is one kind of traffic.
type block struct {
	name string
	bars []figure
}

// blocks returns the blocks of one panel, in the order in which they were measured.
func (r report) blocks(panel string) []block {
	var blocks []block
	for _, f := range r.figures {
		if f.panel != panel || f.metric != cpu || !slices.Contains(chartOrder, f.variant) {
			continue
		}
		if len(blocks) == 0 || blocks[len(blocks)-1].name != f.block {
			blocks = append(blocks, block{name: f.block})
		}
		b := &blocks[len(blocks)-1]
		b.bars = append(b.bars, f)
	}
	for _, b := range blocks {
		slices.SortFunc(b.bars, func(x, y figure) int {
			return slices.Index(chartOrder, x.variant) - slices.Index(chartOrder, y.variant)
		})
	}
	return blocks
}

func (r report) chart() string {
	var body strings.Builder
	y := 12.0
	for _, panel := range []string{receiving, sending} {
		if blocks := r.blocks(panel); len(blocks) > 0 {
			y = drawPanel(&body, y, panel, blocks)
		}
	}
	y += 34
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="CPU time for each datagram, dgram and its neighbors">`+"\n", chartWidth, y, chartWidth, y)
	w.WriteString(chartStyle)
	fmt.Fprintf(&w, `<rect class="page" width="%.0f" height="%.0f" rx="6"/>`+"\n", chartWidth, y)
	w.WriteString(body.String())
	fmt.Fprintf(&w, `<text class="note" x="16" y="%.0f">%s</text>`+"\n</svg>\n", y-12, html.EscapeString(r.machine.short()))
	return w.String()
}

// chartStyle follows the reader's choice of light or dark.
const chartStyle = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 16px; font-weight: 600 }
.block { font-weight: 600 } .axis { text-anchor: middle; font-size: 11px; fill: #59636e } .note { font-size: 11px; fill: #59636e }
.label { text-anchor: end } .page { fill: #ffffff } .grid { stroke: #d1d9e0 } .ours { fill: #0969da } .theirs { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .axis, .note { fill: #9198a1 } .page { fill: #0d1117 } .grid { stroke: #3d444d }
.ours { fill: #4493f8 } .theirs { fill: #656c76 }
}
</style>
`

// drawPanel draws from y downward and returns where it ended.
func drawPanel(w *strings.Builder, y float64, panel string, blocks []block) float64 {
	longest, height := 0.0, 0.0
	for _, b := range blocks {
		for _, f := range b.bars {
			longest = max(longest, f.value)
		}
		height += chartBlock + chartBar*float64(len(b.bars))
	}
	step := tickStep(longest)
	end := math.Ceil(longest/step) * step
	x := func(v float64) float64 {
		return chartLabels + v/end*(chartWidth-chartLabels-chartFigure)
	}
	fmt.Fprintf(w, `<text class="title" x="16" y="%.0f">%s: CPU time for each datagram, in nanoseconds (shorter is cheaper)</text>`+"\n", y+18, panel)
	top := y + chartPanel - 16
	for v := 0.0; v <= end; v += step {
		fmt.Fprintf(w, `<text class="axis" x="%.1f" y="%.0f">%.0f</text><line class="grid" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/>`+"\n",
			x(v), top-4, v, x(v), x(v), top, top+height)
	}
	y = top
	for _, b := range blocks {
		fmt.Fprintf(w, `<text class="block" x="16" y="%.0f">%s</text>`+"\n", y+24, html.EscapeString(b.name))
		y += chartBlock
		for _, f := range b.bars {
			class := "theirs"
			if isOurs(f.variant) {
				class = "ours"
			}
			fmt.Fprintf(w, `<text class="label" x="%.0f" y="%.1f">%s</text><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="14" rx="2"/><text x="%.1f" y="%.1f">%s</text>`+"\n",
				chartLabels-10, y+12, html.EscapeString(titleOf(f.variant)), class, x(0), y+1, max(x(f.value)-x(0), 1), x(f.value)+6, y+12, number3(f.value))
			y += chartBar
		}
	}
	return y + 14
}

// tickStep is 1, 2 or 5 times a power of ten, for five to ten steps up to v.
func tickStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(v, 1))))
	for _, step := range []float64{0.1, 0.2, 0.5, 1} {
		if v/(step*power) <= 10 {
			return step * power
		}
	}
	return power
}
