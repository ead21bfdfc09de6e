package netlab

import (
	"fmt"
	"os"
	"sync"
	"time"

	"example.com/dgram/internal/netlink"
	"golang.org/x/sys/unix"
)

// answerTimeout is how long the lab waits for the kernel, which normally takes
// microseconds.
const answerTimeout = 10 * time.Second

// A requester sends requests to the kernel, for the network namespace it was opened
// in. Its methods may be called from any goroutine.
type requester struct {
	mu   sync.Mutex // held for a request and its answer
	conn *netlink.Conn
}

// openRequester opens a netlink socket of a protocol in the namespace of the calling
// thread.
func openRequester(protocol int) (*requester, error) {
	conn, err := netlink.Open(protocol, 0)
	if err != nil {
		return nil, err
	}
	if err := conn.ExplainErrors(); err != nil {
		conn.Close()
		return nil, err
	}
	return &requester{conn: conn}, nil
}

func (r *requester) close() { r.conn.Close() }

// ask sends a question about one object, or a request for a change, and returns the
// answer. The error is the errno of the kernel.
func (r *requester) ask(q *netlink.Request) ([]netlink.Message, error) {
	return r.exchange(q, unix.NLM_F_ACK)
}

// list sends a question about all objects of a kind and returns the answer.
func (r *requester) list(q *netlink.Request) ([]netlink.Message, error) {
	return r.exchange(q, unix.NLM_F_DUMP)
}

func (r *requester) exchange(q *netlink.Request, flags uint16) ([]netlink.Message, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.conn.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	answer, err := r.conn.Exchange(q, flags, nil)
	if os.IsTimeout(err) {
		err = fmt.Errorf("no answer from the kernel in %v: %w", answerTimeout, err)
	}
	return answer, err
}
