package main

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// An entry is a log message, taken apart.
type entry struct {
	facility int // 0 to 23
	severity int // 0 to 7: the less, the worse
	host     string
	app      string
	message  string
}

func severities() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
		"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

func (e entry) severityName() string { return severities()[e.severity] }
func (e entry) facilityName() string { return facilities()[e.facility] }

// text is the entry on one line.
func (e entry) text() string {
	return strings.TrimSpace(strings.Join([]string{e.host, e.app, e.message}, " "))
}

// parse takes a message apart. Whatever is not as it should be is part of the
// text: a collector refuses nothing.
func parse(b []byte) entry {
	b = bytes.TrimRight(b, "\r\n\x00")
	e := entry{facility: 1, severity: 5} // user.notice: RFC 3164, 4.3.3
	pri, rest, ok := priority(b)
	if !ok {
		e.message = string(b)
		return e
	}
	e.facility, e.severity = pri/8, pri%8
	text := string(rest)
	if v5424, ok := strings.CutPrefix(text, "1 "); ok && e.parse5424(v5424) {
		return e
	}
	e.parse3164(text)
	return e
}

// priority reads "<191>".
func priority(b []byte) (pri int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '<' {
		return 0, nil, false
	}
	end := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if end < 2 {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(b[1:end]), 10, 8)
	if err != nil || n > 191 {
		return 0, nil, false
	}
	return int(n), b[end+1:], true
}

// parse5424 reads "TIMESTAMP HOST APP PROCID MSGID [STRUCTURED DATA] MESSAGE".
func (e *entry) parse5424(text string) bool {
	f := strings.SplitN(text, " ", 6)
	if len(f) < 6 {
		return false
	}
	rest, ok := skipData(f[5])
	if !ok {
		return false
	}
	e.host, e.app = dash(f[1]), dash(f[2])
	e.message = strings.TrimPrefix(strings.TrimPrefix(rest, " "), "\ufeff")
	return true
}

// dash is the word for nothing.
func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// skipData skips "-" or "[id name="value"]…", where \ takes the next character
// as it is.
func skipData(s string) (rest string, ok bool) {
	if s == "-" || strings.HasPrefix(s, "- ") {
		return s[1:], true
	}
	quoted, inside := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && inside:
			quoted = !quoted
		case quoted:
		case c == '[' && !inside:
			inside = true
		case c == ']' && inside:
			inside = false
			if i+1 == len(s) || s[i+1] == ' ' {
				return s[i+1:], true
			}
		case !inside:
			return "", false
		}
	}
	return "", false
}

// parse3164 reads "Jan _2 15:04:05 HOST APP[PID]: MESSAGE". Programs leave
// out any of the parts.
func (e *entry) parse3164(text string) {
	const stamp = len(time.Stamp)
	if len(text) > stamp && text[stamp] == ' ' {
		if _, err := time.Parse(time.Stamp, text[:stamp]); err == nil {
			e.host, text, _ = strings.Cut(text[stamp+1:], " ")
		}
	}
	if tag, message, ok := strings.Cut(text, ":"); ok && tag != "" && !strings.ContainsAny(tag, " \t") {
		e.app, _, _ = strings.Cut(tag, "[")
		text = strings.TrimPrefix(message, " ")
	}
	e.message = text
}
