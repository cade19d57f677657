package sendmail

import (
	"regexp"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// Means gives what a row of the virtusertable says.
func (s *Imported) Means(key, value string) mta.Meaning {
	m := mta.Meaning{Part: strings.Contains(value, "%"), Whole: strings.Contains(value, "%0")}
	if isError(value) {
		m.Refuses, m.Reply = true, replyOf(value)
		return m
	}
	if domain, kept, ok := sameAt(key, value); ok {
		m.Same, m.Domain, m.Keeps = true, domain, kept
		if kept {
			return m
		}
	}
	bare, kept := keptDetail(value)
	r := s.recipientsOf(bare)
	m.To, m.Owner, m.List, m.Keeps = r.to, r.owner, r.list, kept
	return m
}

// isError reports whether a right side is an error: row.
func isError(right string) bool { return strings.HasPrefix(mailaddr.Lower(right), "error:") }

// refusing matches an error: row with a reply code, with or without quotes.
var refusing = regexp.MustCompile(`^(?i:error):(?:(\d\.\d{1,3}\.\d{1,3}):|[A-Za-z]+ )"?([45]\d\d) ([^"]*?)"?$`)

// statusWithin matches an enhanced status code at the beginning of a text.
var statusWithin = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3} +`)

// replyOf gives the reply of an error: row, with its text as it is written: sendmail
// removes the blanks of a text without quotes. It is empty when the row has no reply
// with a code and a text.
func replyOf(right string) (reply outcome.Outcome) {
	m := refusing.FindStringSubmatch(right)
	if m == nil {
		return reply
	}
	status, text := m[1], strings.ReplaceAll(strings.TrimSpace(m[3]), "%%", "%")
	if within := statusWithin.FindString(text); within != "" { // it counts, and not the status of the row
		status, text = strings.TrimSpace(within), text[len(within):]
	}
	code, err := strconv.Atoi(m[2])
	if err != nil || text == "" {
		return reply
	}
	return outcome.Outcome{Code: code, Status: status, Text: text}
}

// Remark says how a # in a row that is no refusal makes one of it.
func (s *Imported) Remark(right string) string {
	if strings.ContainsRune(right, '#') {
		return "the # begins no comment there"
	}
	return ""
}

// sameAt returns the domain of a row that leads every name to the same name there. kept
// reports whether the names keep their details.
func sameAt(key, right string) (domain string, kept, ok bool) {
	to, domain, ok := strings.Cut(right, "@")
	kept = to == "%1%3"
	return domain, kept, ok && key[0] == '@' && (kept || to == "%1") && !strings.Contains(domain, "%")
}

// keptDetail removes %3 from a name. kept reports whether there was one: %3 adds the
// detail.
func keptDetail(right string) (bare string, kept bool) {
	bare, kept = strings.CutSuffix(right, "%3")
	if !kept || bare == "" || strings.ContainsAny(bare, "@%") {
		return right, false
	}
	return bare, true
}

// ourPrefix begins the names of the aliases that a build writes.
const ourPrefix = "virtmap-"

// mailboxOf returns the user of an alias that a build writes for a mailbox or a kept
// copy. The last recipient of such an alias is a file or the user.
func (s *Imported) mailboxOf(name string) (user string, ok bool) {
	user, ok = strings.CutPrefix(name, ourPrefix)
	if !ok || !s.router.Account(user) {
		return "", false
	}
	right, ok := s.own.Alias(name)
	members := splitList(right)
	if !ok || len(members) == 0 {
		return "", false
	}
	last := members[len(members)-1]
	return user, strings.HasPrefix(last, "/") || last == user && len(members) > 1
}

// User gives the sender address of a user in the genericstable, and the mailbox and the
// recipients of kept copies in the alias that a build writes.
func (s *Imported) User(user string) (m mta.Mailbox) {
	if address := s.generic[user]; address != "" {
		m.Note = "sends as " + diag.Printable(address) + " (genericstable)"
	}
	name := ourPrefix + user
	if _, ok := s.mailboxOf(name); !ok {
		return m
	}
	right, _ := s.own.Alias(name)
	members := splitList(right)
	last := len(members) - 1
	if members[last] != user {
		m.File = members[last]
	}
	m.Forward = s.users(members[:last])
	return m
}

// Shown is an alias that a build writes by its members, and anything else as it is.
func (s *Imported) Shown(right string) string {
	if members, ok := s.own.Alias(right); ok {
		return members
	}
	return right
}
