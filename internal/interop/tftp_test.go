package interop

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"

	"github.com/pin/tftp/v3"
)

// A store keeps files for a TFTP server.
type store struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (s *store) read(name string, to io.ReaderFrom) error {
	s.mu.Lock()
	data, ok := s.files[name]
	s.mu.Unlock()
	if !ok {
		return errors.New("no such file")
	}
	_, err := to.ReadFrom(bytes.NewReader(data))
	return err
}

func (s *store) write(name string, from io.WriterTo) error {
	var b bytes.Buffer
	if _, err := from.WriteTo(&b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = b.Bytes()
	return nil
}

func TestTFTPKeepsFiles(t *testing.T) {
	for _, singlePort := range []bool{false, true} {
		t.Run("single port "+strconv.FormatBool(singlePort), func(t *testing.T) {
			s := listen(t, "udp4", "127.0.0.1:0")
			files := &store{files: map[string][]byte{}}
			server := tftp.NewServer(files.read, files.write)
			if singlePort {
				server.EnableSinglePort() // every datagram goes through the one socket
			}
			ended := later(func() error { return server.Serve(s.PacketConn()) })
			sizes := []int{0, 1, 512, 100_000}
			for i, size := range sizes {
				want := make([]byte, size)
				if _, err := (&pattern{at: uint64(i)}).Read(want); err != nil {
					t.Fatal(err)
				}
				name := "file-" + strconv.Itoa(size)
				if err := put(local(t, s).String(), name, want); err != nil {
					t.Fatalf("put %s: %v", name, err)
				}
				got, err := get(local(t, s).String(), name)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("get %s: %d bytes, %v", name, len(got), err)
				}
			}
			if _, err := get(local(t, s).String(), "nothing"); err == nil {
				t.Error("got a file that is not there")
			}
			took := s.Stats().Received
			if singlePort && took < 100_000/512 || took < uint64(2*len(sizes)+1) {
				t.Errorf("%d datagrams went through the socket", took)
			}
			shut := later(func() error { server.Shutdown(); return nil })
			if singlePort {
				fine(t, "shutdown", shut)
				s.Close() // which the server leaves to its owner
			}
			fine(t, "the server's end", ended)
			if !singlePort {
				fine(t, "shutdown", shut)
			}
		})
	}
}

func put(server, name string, data []byte) error {
	c, err := tftp.NewClient(server)
	if err != nil {
		return err
	}
	f, err := c.Send(name, "octet")
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(bytes.NewReader(data))
	return err
}

func get(server, name string) ([]byte, error) {
	c, err := tftp.NewClient(server)
	if err != nil {
		return nil, err
	}
	f, err := c.Receive(name, "octet")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = f.WriteTo(&b)
	return b.Bytes(), err
}
