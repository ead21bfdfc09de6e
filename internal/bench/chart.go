package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The chart has a bar for every ratio, on a logarithmic scale of cost: left of the line
// at 1 dgram is cheaper than the neighbour, right of it dearer. Where the ratio is one of
// rates, its cost is the inverse. A tick across the bar is the target.
const (
	chartLabels = 560.0 // width of the words
	chartScale  = 480.0 // width of the bars
	chartFigure = 150.0 // width of the numbers
	chartRow    = 22.0
	chartTop    = 64.0
	cheapest    = 1.0 / 64
	dearest     = 2.0
)

func (r report) chart() string {
	var bars []result
	for _, res := range r.results {
		if res.theirs != "" && res.problem == "" {
			bars = append(bars, res)
		}
	}
	width, height := chartLabels+chartScale+chartFigure, chartTop+chartRow*float64(len(bars))+44
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="dgram's cost relative to its neighbours">`+"\n", width, height, width, height)
	w.WriteString(chartStyle)
	fmt.Fprintf(&w, `<rect class="page" width="%.0f" height="%.0f" rx="6"/>`+"\n", width, height)
	fmt.Fprintf(&w, `<text class="title" x="16" y="26">dgram's cost relative to its neighbours (logarithmic: left of 1 is cheaper; the tick is the target)</text>`+"\n")
	for cost := cheapest; cost <= dearest; cost *= 2 {
		class := "grid"
		if cost == 1 {
			class = "one"
		}
		fmt.Fprintf(&w, `<line class="%s" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/>`, class, chartX(cost), chartX(cost), chartTop-8, height-38)
		fmt.Fprintf(&w, `<text class="axis" x="%.1f" y="%.0f">%s</text>`+"\n", chartX(cost), chartTop-14, costLabel(cost))
	}
	for i, res := range bars {
		w.WriteString(res.bar(chartTop + chartRow*float64(i)))
	}
	fmt.Fprintf(&w, `<text class="note" x="16" y="%.0f">%s</text>`+"\n", height-14, html.EscapeString(r.machine.String()))
	w.WriteString("</svg>\n")
	return w.String()
}

// chartStyle follows the reader's choice of light or dark.
const chartStyle = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 16px; font-weight: 600 }
.axis { text-anchor: middle; font-size: 11px; fill: #59636e } .note { font-size: 11px; fill: #59636e }
.label { text-anchor: end } .page { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-width: 1.5 }
.reached { fill: #2da44e } .short { fill: #d4761a } .target { stroke: #1f2328; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .axis, .note { fill: #9198a1 } .page { fill: #0d1117 } .grid { stroke: #3d444d }
.one { stroke: #9198a1 } .reached { fill: #3fb950 } .short { fill: #e3a04f } .target { stroke: #f0f6fc }
}
</style>
`

// bar is one row of the chart: words, bar from 1 to the cost, target, number.
func (r result) bar(y float64) string {
	cost, limit := r.median(), r.target.value
	if r.target.atLeast {
		cost, limit = 1/cost, 1/limit
	}
	from, to := chartX(min(cost, 1)), chartX(max(cost, 1))
	figure := number3(r.median()) + "×"
	var w strings.Builder
	fmt.Fprintf(&w, `<text class="label" x="%.0f" y="%.1f">%s</text>`, chartLabels-16, y+14,
		html.EscapeString(fmt.Sprintf("%d  %s", r.row, r.title())))
	fmt.Fprintf(&w, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="14" rx="2"/>`, r.verdict(), from, y+2, max(to-from, 1))
	fmt.Fprintf(&w, `<line class="target" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, chartX(limit), chartX(limit), y, y+18)
	fmt.Fprintf(&w, `<text x="%.0f" y="%.1f">%s (%s)</text>`+"\n", chartLabels+chartScale+14, y+14, figure, html.EscapeString(r.target.String()))
	return w.String()
}

// chartX is where a cost is on the scale.
func chartX(cost float64) float64 {
	cost = math.Min(math.Max(cost, cheapest), dearest)
	return chartLabels + chartScale*math.Log2(cost/cheapest)/math.Log2(dearest/cheapest)
}

func costLabel(cost float64) string {
	if cost < 1 {
		return fmt.Sprintf("1/%.0f", 1/cost)
	}
	return fmt.Sprintf("%.0f", cost)
}
