package route

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
)

func (run *localRun) isAccount(name string) bool {
	return run.r.site.Account != nil && run.r.site.Account(name)
}

// mailbox delivers to the mailbox of an account, or by mailbox_transport. It returns
// false if there is no account.
func (run *localRun) mailbox(s localState) bool {
	if !run.once("mailbox " + s.name) {
		return true
	}
	transport, ok, err := run.r.mailboxTransports.find(run.walk, s.user, false)
	if err != nil {
		return true
	}
	if !ok {
		transport = run.r.mailboxTransport
	}
	if transport != "" {
		run.pass(transport, s)
		return true
	}
	known := run.isAccount(s.user)
	run.built("accounts", s.user, known)
	if known {
		run.ends = append(run.ends, s.end())
	}
	return known
}

// end returns the account, with the detail as the address has it.
func (s localState) end() string {
	local := s.address
	if at := strings.LastIndexByte(local, '@'); at >= 0 {
		local = local[:at]
	}
	if len(local) == len(s.name) {
		return s.user + local[len(s.user):]
	}
	return s.name
}

// pass gives a recipient to a transport.
func (run *localRun) pass(transport string, s localState) {
	switch name, _, _ := strings.Cut(transport, ":"); name {
	case "error", "retry", "discard":
	case "virtual":
		run.ends = append(run.ends, run.walk.mailbox(s.address)...)
	default:
		// The transport gets the whole address, also with a detail that local(8) does not take.
		local, _, _ := mailaddr.Split(s.address)
		s.name = table.Fold(local)
		run.ends = append(run.ends, s.end())
	}
}

// unknown delivers to a name that is neither alias nor account.
func (run *localRun) unknown(s localState) {
	s.level++
	if !run.once("unknown " + s.name) {
		return
	}
	transport, ok, err := run.r.fallbackTransports.find(run.walk, s.user, false)
	if err != nil {
		return
	}
	if !ok {
		transport = run.r.fallbackTransport
	}
	if transport != "" {
		run.pass(transport, s)
		return
	}
	if run.r.luserRelay == "" {
		return
	}
	s.propagates = false
	to := expandLuser(run.r.luserRelay, s, run.r.delimiters)
	if !strings.EqualFold(run.r.canonicalExternal(to), s.address) {
		run.address(s, plain(scan(to), true))
	}
}

// expandLuser puts the parts of a recipient into luser_relay.
func expandLuser(text string, s localState, delimiters string) string {
	domain := s.address[strings.LastIndexByte(s.address, '@')+1:]
	sign := ""
	if len(s.name) > len(s.user) {
		sign = s.name[len(s.user) : len(s.user)+1]
	} else if delimiters != "" {
		sign = delimiters[:1]
	}
	values := map[string]string{"user": s.user, "local": s.name, "mailbox": s.name, "domain": domain,
		"recipient": s.address, "extension": s.detail, "recipient_delimiter": sign}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' {
			b.WriteByte(text[i])
			continue
		}
		rest := text[i+1:]
		name := strings.Trim(rest[:nameEnd(rest)], "{}()")
		i += nameEnd(rest)
		if question := strings.IndexByte(name, '?'); question >= 0 {
			if values[name[:question]] != "" {
				b.WriteString(expandLuser(name[question+1:], s, delimiters))
			}
			continue
		}
		b.WriteString(values[name])
	}
	return b.String()
}

// nameEnd returns the length of a name behind a $, with its brackets.
func nameEnd(s string) int {
	if s != "" && (s[0] == '{' || s[0] == '(') {
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '{', '(':
				depth++
			case '}', ')':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(s)
	}
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return i
}
