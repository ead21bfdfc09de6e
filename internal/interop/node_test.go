package interop

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/multicast"
	"example.com/dgram/udp"
)

// node starts a script of Node's. It finds dgram in d, its arguments in args,
// and say prints a line.
func node(t testing.TB, script string, args ...any) *process {
	t.Helper()
	return start(t, nodeCommand(t, script, args...))
}

func nodeCommand(t testing.TB, script string, args ...any) *exec.Cmd {
	t.Helper()
	path := program(t, "node")
	argv := []string{"-e", "const d = require('dgram'), args = process.argv.slice(1), say = (...a) => console.log(...a);\n" + script, "--"}
	for _, a := range args {
		argv = append(argv, fmt.Sprint(a))
	}
	return exec.Command(path, argv...)
}

// at is where a server of Node's says that it listens.
func (p *process) at() netip.AddrPort {
	p.t.Helper()
	g := p.expect(`^listening (\S+) (\d+)`)
	port, err := strconv.Atoi(g[2])
	if err != nil {
		p.t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.MustParseAddr(g[1]), uint16(port))
}

const nodeEcho = `
const s = d.createSocket(args[0]);
s.on('message', (m, r) => s.send(m, r.port, r.address, () => { if (String(m) === 'bye') s.close(); }));
s.bind(0, args[1], () => { const a = s.address(); say('listening', a.address, a.port); });
`

func TestNodeEchoesToUs(t *testing.T) {
	for _, c := range []struct{ network, address string }{{"udp4", "127.0.0.1"}, {"udp6", "::1"}} {
		p := node(t, nodeEcho, c.network, c.address)
		to := p.at()
		s := listen(t, c.network, net.JoinHostPort(c.address, "0"))
		for _, size := range []int{1, 0, 1400, 60_000} {
			want := string(make([]byte, size))
			if err := s.SendTo(context.Background(), to, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if m := receive(t, s, want); m.From != to {
				t.Errorf("the echo is from %v, want %v", m.From, to)
			}
		}
		if err := s.SendTo(context.Background(), to, []byte("bye")); err != nil {
			t.Fatal(err)
		}
		p.ends()
	}
}

func TestNodeHearsOurEcho(t *testing.T) {
	for _, c := range []struct{ node, ours, address, to string }{
		{"udp4", "udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "udp6", "[::1]:0", "::1"},
		{"udp4", "udp", ":0", "127.0.0.1"},
		{"udp6", "udp", ":0", "::1"},
	} {
		port := echoing(t, c.ours, c.address).Port()
		p := node(t, `
const s = d.createSocket(args[0]);
const queue = ['a', '', 'b'.repeat(50000), 'last'];
s.on('message', (m, r) => {
	if (String(m) !== queue.shift() || r.address !== args[2] || r.port !== +args[1]) throw new Error('not ' + m.length + ' bytes from ' + r.address);
	next();
});
const next = () => queue.length ? s.send(queue[0], args[1], args[2]) : s.close();
next();
`, c.node, port, c.to)
		p.ends()
	}
}

func TestNodeConnectsToUs(t *testing.T) {
	to := echoing(t, "udp4", "127.0.0.1:0")
	p := node(t, `
const s = d.createSocket('udp4');
s.on('message', (m) => { say('heard', String(m), s.remoteAddress().port); s.close(); });
s.connect(args[0], '127.0.0.1', () => s.send('connected'));
`, to.Port())
	if g := p.expect(`heard (\w+) (\d+)`); g[1] != "connected" || g[2] != fmt.Sprint(to.Port()) {
		t.Error(g)
	}
	p.ends()
}

func TestWeConnectToNode(t *testing.T) {
	p := node(t, nodeEcho, "udp4", "127.0.0.1")
	to := p.at()
	s, err := udp.Dial(context.Background(), "udp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Nobody else gets through.
	stranger := listen(t, "udp4", "127.0.0.1:0")
	if err := stranger.SendTo(context.Background(), local(t, s), []byte("from a stranger")); err != nil {
		t.Fatal(err)
	}
	for _, say := range []string{"hello", "bye"} {
		if err := s.Send(context.Background(), []byte(say)); err != nil {
			t.Fatal(err)
		}
		receive(t, s, say)
	}
	p.ends()
}

// Node's peer is gone: an 'error' event there, Errors here.
func TestNodeAndWeHearThatNobodyIsThere(t *testing.T) {
	nobody := free(t)
	p := node(t, `
const s = d.createSocket('udp4');
s.on('error', (e) => { say('error', e.code); s.close(); });
s.connect(args[0], '127.0.0.1', () => s.send('anybody?'));
`, nobody.Port())
	p.expect(`error ECONNREFUSED`)
	p.ends()

	p = node(t, nodeEcho, "udp4", "127.0.0.1")
	s, err := udp.Dial(context.Background(), "udp4", p.at().String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(context.Background(), []byte("bye")); err != nil {
		t.Fatal(err)
	}
	receive(t, s, "bye")
	p.ends()
	if err := s.Send(context.Background(), []byte("still there?")); err != nil {
		t.Fatal(err)
	}
	if err := take(t, "the refusal", s.Errors()); !isRefused(err) {
		t.Errorf("%v, want ECONNREFUSED", err)
	}
}

func TestBroadcastsGoBothWays(t *testing.T) {
	netlab.Require(t) // nobody else is to hear them
	s := listen(t, "udp4", ":0", udp.WithBroadcast())
	p := node(t, `
const s = d.createSocket({ type: 'udp4' });
s.on('message', (m, r) => { say('heard', String(m)); s.close(); });
s.bind(0, () => {
	s.setBroadcast(true);
	s.send('from node', args[0], '127.255.255.255', (e) => { if (e) throw e; say('listening 127.255.255.255', s.address().port); });
});
`, local(t, s).Port())
	to := p.at()
	if m := receive(t, s, "from node"); m.To != to.Addr() {
		t.Errorf("it was sent to %v, want %v", m.To, to.Addr())
	}
	if err := s.SendTo(context.Background(), to, []byte("from us")); err != nil {
		t.Fatal(err)
	}
	p.expect(`heard from us`)
	p.ends()
}

func TestGroupsGoBothWays(t *testing.T) {
	netlab.Require(t)
	group := netip.MustParseAddr("239.77.7.7")
	s := listen(t, "udp4", ":0")
	if _, err := multicast.Join(s, group, multicast.On("lo")); err != nil {
		t.Fatal(err)
	}
	if err := multicast.SetInterface(s, "lo"); err != nil {
		t.Fatal(err)
	}
	if err := multicast.SetLoopback(s, true); err != nil {
		t.Fatal(err)
	}
	p := node(t, `
const s = d.createSocket({ type: 'udp4', reuseAddr: true });
s.on('message', (m, r) => { if (r.port !== +args[0]) return; say('heard', String(m)); s.close(); });
s.bind(0, () => {
	s.addMembership(args[1], '127.0.0.1');
	s.setMulticastInterface('127.0.0.1');
	s.send('from node', args[0], args[1], (e) => { if (e) throw e; say('listening', args[1], s.address().port); });
});
`, local(t, s).Port(), group)
	to := p.at()
	if m := receive(t, s, "from node"); m.To != group {
		t.Errorf("it was sent to %v, want %v", m.To, group)
	}
	if err := s.SendTo(context.Background(), to, []byte("from us")); err != nil {
		t.Fatal(err)
	}
	p.expect(`heard from us`)
	p.ends()
}

// Node serves on a socket that we opened.
func TestNodeAdoptsOurSocket(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	to := local(t, s)
	f, err := s.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := nodeCommand(t, `
const s = d.createSocket('udp4');
s.on('message', (m, r) => s.send('node has ' + m, r.port, r.address, () => { if (String(m) === 'bye') s.close(); }));
s.bind({ fd: 3 }, () => say('listening', s.address().address, s.address().port));
`)
	cmd.ExtraFiles = []*os.File{f}
	p := start(t, cmd)
	if at := p.at(); at != to {
		t.Errorf("node listens at %v, want %v", at, to)
	}
	client := listen(t, "udp4", "127.0.0.1:0")
	if m := ask(t, client, to, []byte("it")); string(m.Data) != "node has it" || m.From != to {
		t.Errorf("%q from %v", m.Data, m.From)
	}
	if err := client.SendTo(context.Background(), to, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	receive(t, client, "node has bye")
	p.ends()

	// It is ours again, and as it was.
	if err := client.SendTo(context.Background(), to, []byte("back")); err != nil {
		t.Fatal(err)
	}
	receive(t, s, "back")
}

// We serve on a socket that Node opened.
func TestWeAdoptNodesSocket(t *testing.T) {
	self := must[string](t)(os.Executable())
	p := node(t, `
const s = d.createSocket('udp4');
s.bind(0, '127.0.0.1', () => {
	s._handle.recvStop(); // what is read is the child's to read
	const c = require('child_process').spawn(args[0], [], { stdio: ['ignore', 'inherit', 'inherit', s._handle.fd], env: { ...process.env, [args[1]]: '1' } });
	say('listening', s.address().address, s.address().port);
	c.on('exit', (code) => { say('child ended', code); s.close(); });
});
`, self, childEnv)
	to := p.at()
	p.expect(`child echoes at ` + to.String())
	client := listen(t, "udp4", "127.0.0.1:0")
	for _, say := range []string{"hello", "bye"} {
		if err := client.SendTo(context.Background(), to, []byte(say)); err != nil {
			t.Fatal(err)
		}
		if m := receive(t, client, say); m.From != to {
			t.Errorf("the echo is from %v, want %v", m.From, to)
		}
	}
	p.expect(`child ended 0`)
	p.ends()
}
