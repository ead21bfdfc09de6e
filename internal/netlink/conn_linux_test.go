package netlink_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"example.com/dgram/internal/netlab"
	"example.com/dgram/internal/netlink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(netlab.Inside(m)) }

// open opens a Conn that receives notifications of groups, on a host.
func open(t *testing.T, h *netlab.Host, groups uint32) *netlink.Conn {
	t.Helper()
	c := netlab.On(h, func() (*netlink.Conn, error) { return netlink.Open(unix.NETLINK_ROUTE, groups) })
	t.Cleanup(c.Close)
	return c
}

func listLinks() *netlink.Request {
	return netlink.NewRequest(unix.RTM_GETLINK, 0, netlink.LinkHeader{})
}

func TestTheKernelListsWhatPackageNetLists(t *testing.T) {
	lab := netlab.New(t)
	c := open(t, lab.Home(), 0)
	want, err := net.Interfaces()
	lab.Must(err)
	answer, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, nil)
	if err != nil || len(answer) != len(want) {
		t.Fatalf("%d interfaces, error %v; package net lists %v", len(answer), err, want)
	}
	for i, m := range answer {
		l, err := netlink.ParseLink(m)
		if err != nil || l.Index != want[i].Index || l.Name != want[i].Name {
			t.Errorf("%+v, %v, want %+v", l, err, want[i])
		}
	}
}

func TestARefusalHasTheKernelsReason(t *testing.T) {
	lab := netlab.New(t)
	c := open(t, lab.Host("a"), 0)
	lab.Must(c.ExplainErrors())
	r := netlink.NewRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE, netlink.RouteHeader{
		Family: unix.AF_INET, DstLen: 24, Table: unix.RT_TABLE_MAIN, RouteType: unix.RTN_UNICAST,
	})
	r.Bytes(unix.RTA_DST, []byte{10, 0, 0, 0})
	r.Bytes(unix.RTA_GATEWAY, []byte{192, 0, 2, 1}) // on no network of the host
	_, err := c.Exchange(r, unix.NLM_F_ACK, nil)
	if !errors.Is(err, unix.ENETUNREACH) || !strings.Contains(err.Error(), "(") {
		t.Errorf("error %v, want %v with a reason", err, unix.ENETUNREACH)
	}
}

func TestAnExchangePassesNotificationsOn(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	c := open(t, a, unix.RTMGRP_LINK)
	lab.Must(a.Down("lo"))
	var notified []netlink.Message
	answer, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, func(m netlink.Message) { notified = append(notified, m) })
	if err != nil || len(answer) != 1 || len(notified) != 1 {
		t.Fatalf("answer %v, error %v, notified %v", answer, err, notified)
	}
	if l, err := netlink.ParseLink(notified[0]); err != nil || l.Flags&unix.IFF_UP != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if all, err := c.TryReceive(); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("then %v, error %v", all, err)
	}
}

func TestDroppedNotificationsAreReported(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	c := open(t, a, unix.RTMGRP_LINK)
	overflow := func() {
		t.Helper()
		lab.Must(c.SetReadBuffer(1)) // the kernel's minimum, of some kilobytes
		for range 50 {
			lab.Must(a.Down("lo"), a.Up("lo"))
		}
		lab.Must(c.SetReadBuffer(1 << 16))
	}
	overflow()
	if all, err := c.Receive(); !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("received %v, error %v, want %v", all, err, unix.ENOBUFS)
	}
	drain(t, c)
	overflow()
	if _, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, nil); !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("error %v, want %v", err, unix.ENOBUFS)
	}
	drain(t, c)
	overflow()
	dropped := 0
	answer, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, func(m netlink.Message) {
		if m.Type == 0 {
			dropped++
		}
	})
	if err != nil || len(answer) != 1 || dropped != 1 {
		t.Errorf("answer %v, error %v, dropped %d times", answer, err, dropped)
	}
}

// drain receives until there is nothing more.
func drain(t *testing.T, c *netlink.Conn) {
	t.Helper()
	for {
		_, err := c.TryReceive()
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			t.Fatal(err)
		}
	}
}

func TestDatagramsOfOtherProcessesAreDropped(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a")
	c, other := open(t, a, unix.RTMGRP_LINK), open(t, a, 0)
	lab.Must(other.SendTo(c, encode(t, someLink())), a.Down("lo"))
	all, err := c.Receive()
	if err != nil || len(all) != 1 {
		t.Fatalf("messages %v, error %v", all, err)
	}
	if l, err := netlink.ParseLink(all[0]); err != nil || l.Name != "lo" {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestReceiveEndsAtItsDeadline(t *testing.T) {
	lab := netlab.New(t)
	c := open(t, lab.Host("a"), 0)
	lab.Must(c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	if all, err := c.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("messages %v, error %v", all, err)
	}
	lab.Must(c.SetReadDeadline(time.Time{}))
	if _, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCloseEndsReceive(t *testing.T) {
	lab := netlab.New(t)
	c := open(t, lab.Host("a"), 0)
	ended := make(chan error)
	go func() {
		_, err := c.Receive()
		ended <- err
	}()
	c.Close()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	if _, err := c.Exchange(listLinks(), unix.NLM_F_DUMP, nil); err == nil {
		t.Error("no error afterwards")
	}
}
