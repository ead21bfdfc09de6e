package main

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"example.com/dgram/udp"
)

// everything is the name under which the types of services are found (RFC 6763,
// section 9).
const everything = "_services._dns-sd._udp.local."

// A service is one that was found.
type service struct {
	name       string // "Office printer"
	kind       string // "_ipp._tcp"
	host       string
	port       uint16
	addrs      []netip.Addr
	interfaces []string // on which it was heard
}

func (s service) address() string {
	if s.host == "" {
		return "?"
	}
	where := net.JoinHostPort(s.host, strconv.Itoa(int(s.port)))
	for _, a := range s.addrs {
		where += " " + a.String()
	}
	return where
}

// A catalog holds the services that answers have named. Any host of the local
// network can send an answer, so each is checked, and the catalog has a limit.
type catalog struct {
	kinds map[string]bool       // "_ipp._tcp.local."
	found map[string]*service   // by full name
	addrs map[string]addressSet // by host
}

type addressSet map[netip.Addr]bool

const enough = 1000

func newCatalog() *catalog {
	return &catalog{map[string]bool{}, map[string]*service{}, map[string]addressSet{}}
}

// questions are what would be worth knowing next: types, services of each type,
// where each service is, and the addresses of its host.
func (c *catalog) questions() (all [][]byte) {
	all = append(all, question(everything, dnsmessage.TypePTR))
	for kind := range c.kinds {
		all = append(all, question(kind, dnsmessage.TypePTR))
	}
	for name, s := range c.found {
		switch {
		case s.host == "":
			all = append(all, question(name, dnsmessage.TypeSRV))
		case len(c.addrs[s.host]) == 0:
			all = append(all, question(s.host, dnsmessage.TypeA), question(s.host, dnsmessage.TypeAAAA))
		}
	}
	return slices.DeleteFunc(all, func(q []byte) bool { return q == nil })
}

// question returns a query for name, or nil if name is not a domain name.
func question(name string, kind dnsmessage.Type) []byte {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return nil
	}
	q := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: n, Type: kind, Class: dnsmessage.ClassINET}}}
	b, err := q.Pack()
	if err != nil {
		return nil
	}
	return b
}

// add learns from a message what it can.
func (c *catalog) add(m udp.Message) {
	var p dnsmessage.Parser
	h, err := p.Start(m.Data)
	if err != nil || !h.Response || p.SkipAllQuestions() != nil {
		return
	}
	on := "?"
	if i, err := net.InterfaceByIndex(m.Interface); err == nil {
		on = i.Name
	}
	answers, err := p.AllAnswers()
	if err != nil || p.SkipAllAuthorities() != nil {
		c.learn(answers, on)
		return
	}
	more, _ := p.AllAdditionals() // as far as they could be read
	c.learn(append(answers, more...), on)
}

func (c *catalog) learn(records []dnsmessage.Resource, on string) {
	for _, r := range records {
		name := r.Header.Name.String()
		switch body := r.Body.(type) {
		case *dnsmessage.PTRResource:
			if name == everything {
				if len(c.kinds) < enough {
					c.kinds[body.PTR.String()] = true
				}
			} else if strings.HasPrefix(name, "_") {
				c.service(body.PTR.String(), on)
			}
		case *dnsmessage.SRVResource:
			if s := c.service(name, on); s != nil {
				s.host, s.port = body.Target.String(), body.Port
			}
		case *dnsmessage.AResource:
			c.address(name, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			c.address(name, netip.AddrFrom16(body.AAAA))
		}
	}
}

// service returns the service with a full name, "Office printer._ipp._tcp.local.".
func (c *catalog) service(full, on string) *service {
	s := c.found[full]
	if s == nil {
		i := strings.Index(full, "._")
		if i < 0 || len(c.found) >= enough {
			return nil
		}
		s = &service{name: full[:i], kind: strings.TrimSuffix(full[i+1:], ".local.")}
		c.found[full] = s
	}
	if !slices.Contains(s.interfaces, on) {
		s.interfaces = append(s.interfaces, on)
	}
	return s
}

func (c *catalog) address(host string, a netip.Addr) {
	if c.addrs[host] == nil {
		if len(c.addrs) >= enough {
			return
		}
		c.addrs[host] = addressSet{}
	}
	if len(c.addrs[host]) < enough {
		c.addrs[host][a] = true
	}
}

// services are those that were found, in order.
func (c *catalog) services() (all []service) {
	for _, s := range c.found {
		for a := range c.addrs[s.host] {
			s.addrs = append(s.addrs, a)
		}
		slices.SortFunc(s.addrs, netip.Addr.Compare)
		slices.Sort(s.interfaces)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b service) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	return all
}
