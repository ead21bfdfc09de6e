package interop

import (
	"context"
	"net"
	"testing"

	"github.com/pion/ice/v4"
)

func TestICEMultiplexesConnectionsOverOneSocket(t *testing.T) {
	shared := listen(t, "udp4", "127.0.0.1:0")
	if _, ok := any(shared.PacketConn()).(ice.AddrPortReaderWriter); !ok {
		t.Error("the mux would not take its fast path")
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: shared.PacketConn()})
	defer mux.Close()
	for range 3 {
		agent := iceAgent(t, ice.WithUDPMux(mux))
		own := listen(t, "udp4", "127.0.0.1:0")
		peerMux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: own.PacketConn()})
		peer := iceAgent(t, ice.WithUDPMux(peerMux))
		c, s := meet(t, peer, agent)
		echoed := later(func() error {
			_ = echoUntilEnd(s) // ends with the agent
			return nil
		})
		exchange(t, c, 50)
		if got := s.LocalAddr().(*net.UDPAddr).AddrPort(); got != local(t, shared) {
			t.Errorf("the agent is at %v, want the shared %v", got, local(t, shared))
		}
		fine(t, "close the peer", later(peer.GracefulClose))
		fine(t, "close its mux", later(peerMux.Close))
		fine(t, "close the agent", later(agent.GracefulClose))
		fine(t, "the echo's end", echoed)
	}
	fine(t, "close the mux", later(mux.Close))
	closed(t, shared.PacketConn())
}

func iceAgent(t *testing.T, opts ...ice.AgentOption) *ice.Agent {
	t.Helper()
	opts = append(opts,
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithIncludeLoopback(),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
	)
	a := must[*ice.Agent](t)(ice.NewAgentWithOptions(opts...))
	t.Cleanup(func() { a.Close() })
	return a
}

// meet connects two agents: the first asks.
func meet(t *testing.T, asks, answers *ice.Agent) (c, s *ice.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for _, p := range [][2]*ice.Agent{{asks, answers}, {answers, asks}} {
		from, to := p[0], p[1]
		if err := from.OnCandidate(func(c ice.Candidate) {
			if c != nil {
				_ = to.AddRemoteCandidate(c)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []*ice.Agent{asks, answers} {
		if err := a.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
	}
	name, password, err := asks.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	toName, toPassword, err := answers.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	accepted := later(func() (err error) {
		s, err = answers.Accept(ctx, name, password)
		return err
	})
	c = must[*ice.Conn](t)(asks.Dial(ctx, toName, toPassword))
	fine(t, "accept", accepted)
	return c, s
}
