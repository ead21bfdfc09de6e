package netlink_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"example.com/dgram/internal/netlink"
	"example.com/dgram/internal/posix"
)

// Types and flags of linux/netlink.h.
const (
	typeError = 2
	typeDone  = 3
	capped    = 0x100
	explained = 0x200
)

// encode returns r as it is sent.
func encode(t testing.TB, r *netlink.Request) []byte {
	t.Helper()
	b, err := r.Encode(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parse returns r as a message.
func parse(t testing.TB, r *netlink.Request) netlink.Message {
	t.Helper()
	all, err := netlink.ParseMessages(encode(t, r))
	if err != nil || len(all) != 1 {
		t.Fatalf("messages %v, error %v", all, err)
	}
	return all[0]
}

// nested returns a request with a name in an attribute.
func nested() *netlink.Request {
	r := netlink.NewRequest(20, 0x400, netlink.AddressHeader{Index: 7})
	r.Uint32(5, 1<<30)
	r.Nest(9, func() { r.String(3, "eth0") })
	return r
}

func TestRequestsAreParsedAsTheyWereWritten(t *testing.T) {
	b, err := nested().Encode(4, math.MaxUint32)
	if err != nil {
		t.Fatal(err)
	}
	all, err := netlink.ParseMessages(append(b, b...))
	if err != nil || len(all) != 2 {
		t.Fatalf("messages %v, error %v", all, err)
	}
	for _, m := range all {
		if m.Type != 20 || m.Flags != 0x405 || m.Seq != math.MaxUint32 {
			t.Errorf("%+v", m)
		}
		attributes, err := m.Attributes(8)
		if err != nil || len(attributes) != 2 || attributes[0].Type != 5 || attributes[1].Type != 9 {
			t.Fatalf("attributes %v, error %v", attributes, err)
		}
		inner, err := netlink.ParseAttributes(attributes[1].Value)
		if err != nil || len(inner) != 1 || inner[0].Type != 3 || inner[0].String() != "eth0" {
			t.Errorf("inner attributes %v, error %v", inner, err)
		}
	}
}

func TestMessagesThatAreCutOffAreRefused(t *testing.T) {
	b := encode(t, nested())
	for n := 1; n < len(b); n++ {
		if all, err := netlink.ParseMessages(b[:n]); err == nil || len(all) > 0 {
			t.Errorf("%d of %d bytes are %v", n, len(b), all)
		}
	}
}

func TestAttributesThatAreCutOffAreRefused(t *testing.T) {
	b := encode(t, nested())[24:]
	for n := 1; n < 8; n++ {
		if all, err := netlink.ParseAttributes(b[:n]); err == nil || len(all) > 0 {
			t.Errorf("%d bytes are %v", n, all)
		}
	}
	if all, err := netlink.ParseAttributes(b[:len(b)-1]); err == nil || len(all) != 1 {
		t.Errorf("attributes %v, error %v", all, err)
	}
}

func TestRequestsThatCannotBeEncodedAreRefused(t *testing.T) {
	long := nested()
	long.Bytes(1, make([]byte, math.MaxUint16-3))
	for what, r := range map[string]*netlink.Request{
		"attribute too long":  long,
		"struct with pointer": netlink.NewRequest(20, 0, struct{ Name *string }{}),
	} {
		if b, err := r.Encode(0, 1); err == nil {
			t.Errorf("%s: %d bytes", what, len(b))
		}
	}
	longest := nested()
	longest.Bytes(1, make([]byte, math.MaxUint16-4))
	parse(t, longest)
}

// answer returns the message that ends the answer to a request of some bytes.
func answer(typ, flags uint16, errno int32, request int) *netlink.Request {
	r := netlink.NewRequest(typ, flags, errno)
	if typ == typeError {
		header := nestedHeader{Size: uint32(request)}
		if r.Fixed(header); flags&capped == 0 {
			r.Fixed(make([]byte, request-16))
		}
	}
	return r
}

type nestedHeader struct {
	Size uint32
	_    [12]byte
}

func TestAnswersCarryErrnoAndReason(t *testing.T) {
	for _, c := range []struct {
		typ, flags uint16
		errno      int32
		reason     string
	}{
		{typ: typeError},
		{typ: typeDone},
		{typ: typeError, errno: -int32(posix.ENODEV)},
		{typ: typeDone, errno: -int32(posix.ENODEV)},
		{typ: typeError, flags: explained, errno: -int32(posix.ENODEV), reason: "no such link"},
		{typ: typeError, flags: explained | capped, errno: -int32(posix.ENODEV), reason: "no such link"},
		{typ: typeDone, flags: explained, errno: -int32(posix.ENODEV), reason: "no such link"},
	} {
		r := answer(c.typ, c.flags, c.errno, 29)
		if c.reason != "" {
			r.Uint32(2, 20) // where the fault is
			r.String(1, c.reason)
		}
		err := parse(t, r).Err()
		if c.errno == 0 {
			if err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if !errors.Is(err, posix.ENODEV) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnAnswerWithoutErrnoIsAnError(t *testing.T) {
	if err := (netlink.Message{Type: typeError, Data: make([]byte, 3)}).Err(); err == nil {
		t.Error("no error")
	}
}
