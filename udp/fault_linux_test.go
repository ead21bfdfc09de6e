package udp_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"example.com/dgram/udp"
)

// Descriptors that run out are an error of this call: nothing leaks, and what
// is open goes on.
func TestDescriptorsThatRunOutAreAnError(t *testing.T) {
	s := listen(t, "udp4", "127.0.0.1:0")
	s.Messages()
	unbound := open(t, "udp4")
	var limit syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	low := limit
	low.Cur = min(limit.Cur, 256)
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	var all []*os.File
	for f, err := os.Open(os.DevNull); err == nil; f, err = os.Open(os.DevNull) {
		all = append(all, f)
	}
	_, err := udp.Listen(t.Context(), "udp4", "127.0.0.1:0")
	_, dialErr := udp.Dial(t.Context(), "udp4", "127.0.0.1:9")
	sendErr := unbound.SendTo(t.Context(), at(t, s), []byte("no"))
	_, fileErr := s.File()
	_, readersErr := udp.Listen(t.Context(), "udp4", "127.0.0.1:0", udp.WithReaders(8))
	for _, f := range all {
		f.Close()
	}
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	send(t, s, at(t, s), "still open")
	expect(t, s, "still open")

	for _, err := range []error{err, dialErr, sendErr, fileErr, readersErr} {
		fails(t, err, syscall.EMFILE)
	}
	send(t, unbound, at(t, s), "later")
	expect(t, s, "later")
}

// asNobody has the port of an address stolen by a process of another user, and
// returns what that says.
func asNobody(address string) (string, error) {
	cmd := exec.Command("/proc/self/exe") // the file may be where nobody else can look
	cmd.Env = append(os.Environ(), partVar+"=steal "+address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Another user cannot have the port of a socket, however he asks, unless that
// socket asked for SO_REUSEADDR, which is why nobody gets it unasked.
func TestAnotherUserCannotHaveThePort(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	for name, c := range map[string]struct {
		opts []udp.Option
		want string
	}{
		"alone":     {nil, "address already in use"},
		"ReusePort": {[]udp.Option{udp.WithReusePort()}, "address already in use"},
		"ReuseAddr": {[]udp.Option{udp.WithReuseAddr()}, "stolen"}, // SECURITY.md says so
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, "udp4", "127.0.0.1:0", c.opts...)
			said, err := asNobody(at(t, s).String())
			if err != nil {
				t.Skipf("no processes of other users here: %v: %s", err, said)
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("another user: %s", said)
			}
		})
	}
}

// With the error queue on, the kernel fails a send to a healthy peer with what
// it heard about a dead one: the send is made again.
func TestADeadPeerCostsNoHealthySend(t *testing.T) {
	each(t, func(t *testing.T, f family) {
		healthy := listen(t, f.network, f.local())
		healthy.Messages()
		dead := deserted(t, f)
		s := listen(t, f.network, f.local(), udp.WithICMPErrors())
		to := at(t, healthy)
		for i := range 50 {
			send(t, s, dead, "anybody?")
			send(t, s, to, fmt.Sprint("single ", i))
			n, err := s.SendBatch(t.Context(), []udp.Datagram{
				{To: dead, Data: []byte("x")}, {To: to, Data: []byte("batch")}, {To: dead}, {To: to, Data: []byte("batch")}})
			ok(t, err)
			same(t, "sent of the batch", n, 4)
			s.Outbox() <- udp.Datagram{To: dead, Data: []byte("x")}
			s.Outbox() <- udp.Datagram{To: to, Data: []byte("queued")}
			ok(t, s.Flush(t.Context()))
			expect(t, healthy, fmt.Sprint("single ", i), "batch", "batch", "queued")
		}
		same(t, "dropped", s.Stats().SendDropped, 0)
		for len(s.Errors()) > 0 {
			err := <-s.Errors()
			fails(t, err, syscall.ECONNREFUSED)
			shaped(t, err, "read", dead.String())
		}
	})
}
