package opensmtpd

import (
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/outcome"
)

// mayNotSend is the reply to MAIL FROM (smtp_session.c).
var mayNotSend = outcome.Outcome{Code: 530, Text: "Sender rejected"}

// Authorises reports whether virtmap.conf has a table of senders.
func (s *Set) Authorises() bool { return s.contents.authorises }

// Sends returns the outcome of MAIL FROM of a user who has logged in. The step has the entry
// of the row that allows it. The null sender has none.
func (s *Set) Sends(user, from string) (outcome.Outcome, []outcome.Step) {
	if !s.contents.authorises {
		return outcome.Outcome{Taken: true, Code: 250}, nil
	}
	user = mailaddr.Lower(user)
	step := outcome.Step{Table: fileSenders, Key: user}
	value, ok := s.contents.senders.find(user)
	if all, sound := split(value); ok && sound {
		local, domain := cutAddress(mailaddr.Lower(from))
		if i := slices.IndexFunc(all, func(entry string) bool { return covers(mailaddr.Lower(entry), local, domain) }); i >= 0 {
			step.Value, step.Hit = all[i], true
			return outcome.Outcome{Taken: true, Code: 250}, []outcome.Step{step}
		}
	}
	return mayNotSend, []outcome.Step{step}
}

// covers reports whether an entry of a row allows an address (to.c, mailaddr_match): @domain
// every one of the domain; user@domain with every detail; user+detail@domain itself.
func covers(entry, local, domain string) bool {
	user, of := cutAddress(entry)
	if of != domain || domain == "" {
		return false
	}
	if name, _, plus := strings.Cut(local, "+"); plus && !strings.Contains(user, "+") {
		local = name
	}
	return user == "" || user == local
}

// SendsAs has no address: the enqueuer of OpenSMTPD writes the account.
func (s *Set) SendsAs(string) (addr string, steps []outcome.Step, ok bool) { return "", nil, false }

// Rights returns who may send from which address.
func (s *Set) Rights() (all []outcome.Login, err error) {
	if !s.contents.authorises {
		return nil, nil
	}
	for user, value := range mapfile.All(s.contents.senders.rows) {
		entries, sound := split(string(value))
		for _, from := range entries {
			if sound && from != "" {
				all = append(all, outcome.Login{User: string(user), From: from})
			}
		}
	}
	slices.SortFunc(all, func(a, b outcome.Login) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.User, b.User))
	})
	return all, nil
}

// Signed is empty: OpenSMTPD signs no mail.
func (s *Set) Signed() []string { return nil }
