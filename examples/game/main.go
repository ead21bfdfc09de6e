// Game is a server of a game, sixty steps a second, and players to fill it.
//
//	go run ./examples/game                                      500 players, ten seconds
//	go run ./examples/game -listen :4000 -players 0 -for 0      a server, until Ctrl-C
//
// Every player has a session. A step reads what the players have sent since the
// last one, without waiting, moves them, and sends each of them the world. A queue
// that drops the oldest datagram suits it: a key that was pressed a second ago is
// of no use. A player that is silent for five seconds is out.
package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"example.com/dgram/examples/internal/program"
	"example.com/dgram/udp"
	"example.com/dgram/udp/session"
)

const rate = 60 // steps a second

func main() { program.Main("game", run) }

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := program.Flags("game", "Game is a server of a game, sixty steps a second, and players to fill it.", stdout)
	listen := flags.String("listen", "127.0.0.1:0", "`address` of the server")
	players := flags.Int("players", 500, "`number` of players to start")
	long := flags.Duration("for", 10*time.Second, "`time` to play, 0 until Ctrl-C")
	if err := program.Parse(flags, args); err != nil {
		return err
	}
	if *players < 0 || *long < 0 {
		return program.Usagef("-players and -for must not be negative")
	}
	if *long > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *long)
		defer cancel()
	}

	s, err := udp.Listen(context.Background(), "udp", *listen, udp.WithReadBuffer(4<<20))
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := session.New(s, session.Queue(4, session.DropOldest), session.Max(4096, session.RefuseNew))
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Fprintln(stdout, "listening on", s.LocalAddr())

	g := &game{out: stdout, players: map[*session.Session]*player{}}
	var bots sync.WaitGroup
	for i := range *players {
		bots.Go(func() {
			if err := play(ctx, s.LocalAddr().String(), i); err != nil {
				fmt.Fprintln(stdout, "player:", err)
			}
		})
	}
	g.loop(ctx, m)
	bots.Wait()
	stats := m.Stats()
	fmt.Fprintf(stdout, "%d players joined, %d left, %d moves taken, %d too late, %d lost in the kernel\n",
		stats.Opened, g.left, g.moves, stats.DroppedQueue, s.Stats().DroppedKernel)
	return s.Err()
}
