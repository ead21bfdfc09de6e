package main

import (
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// A zone is what this server knows. It does not change while it is served.
type zone struct {
	name    dnsmessage.Name
	soa     dnsmessage.Resource
	records map[string][]dnsmessage.Resource // by name, in lower case
}

const ttl = 60 // seconds that others may remember an answer

func newZone(name string) (*zone, error) {
	n, err := dnsmessage.NewName(name)
	if err != nil || !strings.HasSuffix(name, ".") {
		return nil, errors.New("the name of a zone ends in a dot")
	}
	z := &zone{name: n, records: map[string][]dnsmessage.Resource{}}
	z.soa = dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: n, Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET, TTL: ttl},
		Body: &dnsmessage.SOAResource{NS: n, MBox: n, Serial: 1,
			Refresh: 3600, Retry: 600, Expire: 86400, MinTTL: ttl},
	}
	z.records[strings.ToLower(name)] = []dnsmessage.Resource{z.soa}
	return z, nil
}

// add puts a record into the zone: an address, or else a text.
func (z *zone) add(name, value string) error {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return err
	}
	if !z.contains(name) {
		return errors.New("the name is not in the zone")
	}
	header := dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: ttl}
	var body dnsmessage.ResourceBody
	switch a, err := netip.ParseAddr(value); {
	case err != nil && len(value) > 255:
		return errors.New("the text is too long")
	case err != nil:
		header.Type = dnsmessage.TypeTXT
		body = &dnsmessage.TXTResource{TXT: []string{value}}
	case a.Is4():
		header.Type = dnsmessage.TypeA
		body = &dnsmessage.AResource{A: a.As4()}
	default:
		header.Type = dnsmessage.TypeAAAA
		body = &dnsmessage.AAAAResource{AAAA: a.As16()}
	}
	key := strings.ToLower(name)
	z.records[key] = append(z.records[key], dnsmessage.Resource{Header: header, Body: body})
	return nil
}

func (z *zone) contains(name string) bool {
	name, apex := strings.ToLower(name), strings.ToLower(z.name.String())
	return name == apex || apex == "." || strings.HasSuffix(name, "."+apex)
}

// answer is what to answer to a message, if it is a question at all. An answer
// to an answer would keep two servers busy with each other forever.
func (z *zone) answer(message []byte) (answer []byte, ok bool) {
	var p dnsmessage.Parser
	asked, err := p.Start(message)
	if err != nil || asked.Response {
		return nil, false
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{
		ID: asked.ID, Response: true, OpCode: asked.OpCode, RecursionDesired: asked.RecursionDesired,
	}}
	limit := 512 // bytes, where the question does not allow more (RFC 1035)
	m.Questions, err = p.AllQuestions()
	switch {
	case asked.OpCode != 0:
		m.RCode = dnsmessage.RCodeNotImplemented
	case err != nil || len(m.Questions) != 1:
		m.RCode, m.Questions = dnsmessage.RCodeFormatError, nil
	default:
		if edns, size := extension(&p); edns != nil {
			m.Additionals, limit = append(m.Additionals, *edns), size
		}
		z.lookup(m.Questions[0], &m)
	}
	answer, err = m.Pack()
	if err == nil && len(answer) > limit {
		m.Truncated = true // ask again over TCP
		m.Answers, m.Authorities = nil, nil
		answer, err = m.Pack()
	}
	return answer, err == nil
}

// lookup fills in what the zone knows.
func (z *zone) lookup(q dnsmessage.Question, m *dnsmessage.Message) {
	name := strings.ToLower(q.Name.String())
	if q.Class != dnsmessage.ClassINET || !z.contains(name) {
		m.RCode = dnsmessage.RCodeRefused
		return
	}
	m.Authoritative = true
	records, exists := z.records[name]
	for _, r := range records {
		if r.Header.Type == q.Type {
			r.Header.Name = q.Name // as it was asked: some check the case of each letter
			m.Answers = append(m.Answers, r)
		}
	}
	if len(m.Answers) > 0 {
		return
	}
	if !exists {
		m.RCode = dnsmessage.RCodeNameError
	}
	m.Authorities = append(m.Authorities, z.soa) // how long to remember that there is nothing
}

// extension finds the EDNS record of a question (RFC 6891), and returns that of
// the answer and how many bytes it may have: what comes through everywhere
// without fragments.
func extension(p *dnsmessage.Parser) (*dnsmessage.Resource, int) {
	const most = 1232
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return nil, 0
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return nil, 0
		}
		if h.Type != dnsmessage.TypeOPT {
			if p.SkipAdditional() != nil {
				return nil, 0
			}
			continue
		}
		size := min(max(int(h.Class), 512), most)
		edns := dnsmessage.Resource{Body: &dnsmessage.OPTResource{}}
		if edns.Header.SetEDNS0(most, dnsmessage.RCodeSuccess, false) != nil {
			return nil, 0
		}
		return &edns, size
	}
}
