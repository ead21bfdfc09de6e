package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"example.com/dgram/udp/session"
)

// A game is the players and where they are. One goroutine has it.
type game struct {
	out     io.Writer
	players map[*session.Session]*player
	world   []byte // what the players are sent: positions, four bytes each
	step    uint32
	moves   int
	left    int
	took    []time.Duration // by the steps of the last second
}

type player struct {
	x, y  int16
	heard uint32 // the step in which it has moved
}

// patience is how many steps a player may be silent. Idle of the session does not
// tell: what the server sends counts there as well.
const patience = 5 * rate

// loop plays until ctx or the mux ends.
func (g *game) loop(ctx context.Context, m *session.Mux) {
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for {
		select {
		case c, ok := <-m.Sessions():
			if !ok {
				return
			}
			g.players[c] = &player{heard: g.step}
		case began := <-tick.C:
			g.move()
			g.show(ctx)
			g.report(time.Since(began))
		case <-ctx.Done():
			return
		}
	}
}

// move takes what the players have sent since the last step. It waits for none.
func (g *game) move() {
	g.step++
	for c, p := range g.players {
		for len(c.Messages()) > 0 {
			d := <-c.Messages()
			if len(d.Data) == 2 {
				p.x += int16(int8(d.Data[0]))
				p.y += int16(int8(d.Data[1]))
				p.heard = g.step
				g.moves++
			}
			d.Release()
		}
		if g.step-p.heard > patience {
			c.Close()
		}
		if c.Context().Err() != nil {
			delete(g.players, c)
			g.left++
		}
	}
}

// show sends the world to everyone: as much of it as fits a datagram that is not
// cut up on its way.
func (g *game) show(ctx context.Context) {
	const most = 1200
	g.world = binary.BigEndian.AppendUint32(g.world[:0], g.step)
	for _, p := range g.players {
		if len(g.world) >= most {
			break
		}
		g.world = binary.BigEndian.AppendUint16(g.world, uint16(p.x))
		g.world = binary.BigEndian.AppendUint16(g.world, uint16(p.y))
	}
	for c := range g.players {
		if err := c.Send(ctx, g.world); err != nil && c.Context().Err() == nil && ctx.Err() == nil {
			fmt.Fprintln(g.out, err)
		}
	}
}

// report prints a line each second.
func (g *game) report(took time.Duration) {
	g.took = append(g.took, took)
	if len(g.took) < rate {
		return
	}
	slices.Sort(g.took)
	fmt.Fprintf(g.out, "step %d: %d players, a step took %v, the slowest of %d %v\n",
		g.step, len(g.players), g.took[rate/2].Round(10*time.Microsecond), rate, g.took[rate-1].Round(10*time.Microsecond))
	g.took = g.took[:0]
}
