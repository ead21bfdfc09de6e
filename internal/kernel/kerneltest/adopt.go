package kerneltest

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"example.com/dgram/internal/kernel"
)

func (s suite) TestAdoptedSocketsAreWhatTheyWere(t *testing.T) {
	for _, tt := range []kernel.Config{
		{Network: "udp4", Local: Addr("127.0.0.1:0")},
		{Network: "udp4", Local: Addr("127.0.0.1:0"), Remote: Addr("127.0.0.1:9")},
		{Network: "udp6", Local: Addr("[::]:0")},
		{Network: "udp6", Local: Addr("[::1]:0"), IPv6Only: true},
	} {
		t.Run(tt.Network, func(t *testing.T) {
			made := s.open(t, tt)
			f, err := made.Dup()
			Check(t, err)
			defer f.Close()
			c, cfg, err := s.system.Adopt(f, kernel.Config{TTL: 9})
			Check(t, err)
			defer c.Close()
			if cfg.Network != tt.Network || cfg.Local != Local(t, made) || cfg.Remote != tt.Remote || cfg.IPv6Only != tt.IPv6Only {
				t.Errorf("%+v of %+v", cfg, tt)
			}
			if hops, err := c.Option(kernel.TTL); hops != 9 || err != nil {
				t.Errorf("TTL %d, %v, want 9", hops, err)
			}
			Check(t, made.Close())
			if tt.Remote.IsValid() {
				return
			}
			host := "127.0.0.1"
			if tt.Network == "udp6" {
				host = "::1"
			}
			send(t, c, "self", at(t, host, c))
			want(t, c, "self")
			Check(t, f.Close())
			send(t, c, "self", at(t, host, c))
			want(t, c, "self")
		})
	}
}

func (s suite) TestOnlyUDPSocketsAreAdopted(t *testing.T) {
	dir, err := os.MkdirTemp("", "adopt") // t.TempDir cannot remove its directory on Wine
	Check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	Check(t, err)
	defer tcp.Close()
	files := map[string]func() (*os.File, error){
		"TCP":  tcp.(*net.TCPListener).File,
		"file": func() (*os.File, error) { return os.Create(filepath.Join(dir, "file")) },
	}
	if u, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}); err == nil {
		defer u.Close()
		files["Unix"] = u.File
	}
	for name, file := range files {
		f, err := file()
		if err != nil {
			t.Logf("this system makes no file of a %s: %v", name, err)
			continue
		}
		_, _, err = s.system.Adopt(f, kernel.Config{})
		if !errors.Is(err, kernel.ErrNotUDP) {
			t.Errorf("%s: %v, want ErrNotUDP", name, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s is no longer the caller's: %v", name, err)
		}
		if _, _, err := s.system.Adopt(f, kernel.Config{}); !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed %s: %v, want net.ErrClosed", name, err)
		}
	}
}
