package exim

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
)

// mayNotSend is the reply of snippets/acl-senders.
var mayNotSend = outcome.Outcome{Code: 553, Status: "5.7.1", Text: "this login may not send from this address"}

// Authorises reports whether the list of checks looks senders up.
func (s *Set) Authorises() bool { return s.contents.authorises }

// Sends returns the outcome of RCPT of a user who has logged in, as far as the sender
// decides it: Exim takes every MAIL FROM.
func (s *Set) Sends(user, from string) (o outcome.Outcome, steps []outcome.Step) {
	may := outcome.Outcome{Taken: true, Code: 250}
	if !s.contents.authorises || from == "" {
		return may, nil
	}
	for _, key := range senderKeys(mailaddr.Lower(from)) {
		value, ok, err := s.contents.senders.find(key)
		if err != nil {
			return localProblem, steps
		}
		steps = append(steps, outcome.Step{Table: fileSenders, Key: key, Value: value, Hit: ok})
		if ok && slices.Contains(usersOf(value), mailaddr.Lower(user)) {
			return may, steps
		}
		if ok {
			break
		}
	}
	return mayNotSend, steps
}

// senderKeys returns the keys of a sender in lower case, in their order.
func senderKeys(from string) []string {
	local, domain := from[:max(0, strings.LastIndexByte(from, '@'))], from[strings.LastIndexByte(from, '@')+1:]
	if user, plus := mailaddr.CutDetail(local); plus != "" {
		return []string{from, user + "@" + domain, "@" + domain}
	}
	return []string{from, "@" + domain}
}

// usersOf returns the users in a row.
func usersOf(value string) []string {
	if value == nobody {
		return nil
	}
	all := strings.Split(mailaddr.Lower(value), ":")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// SendsAs has no address: Exim's own rewriting rules are the site's.
func (s *Set) SendsAs(string) (addr string, steps []outcome.Step, ok bool) { return "", nil, false }

// Rights returns who may send from which address.
func (s *Set) Rights() (all []outcome.Login, err error) {
	if !s.contents.authorises {
		return nil, nil
	}
	rows, err := s.contents.senders.all()
	if err != nil {
		return nil, err
	}
	for key, value := range mapfile.All(rows) {
		for _, user := range usersOf(string(value)) {
			all = append(all, outcome.Login{User: user, From: string(key)})
		}
	}
	slices.SortFunc(all, func(a, b outcome.Login) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.User, b.User))
	})
	return all, nil
}

// Signed is empty: the site's own transports sign mail.
func (s *Set) Signed() []string { return nil }

// senders opens the table of senders, if the list of checks looks senders up. With a table
// that is missing, every look-up fails.
func (o *opener) senders(c *contents, typ string) error {
	text, instead := o.Texts[fileACL]
	if !instead {
		var err error
		if text, err = regular.ReadIfThere(o.Path(filepath.Join(o.Dir, fileACL))); err != nil {
			return err
		}
	}
	if c.authorises = strings.Contains(string(text), sendersMark); !c.authorises {
		return nil
	}
	table, err := o.table(fileSenders, typ)
	if c.senders = table; errors.Is(err, fs.ErrNotExist) {
		o.warnings = append(o.warnings, "the list of checks looks senders up in "+fileSenders+", which is not there: mail of users who log in waits")
		c.senders, err = source{missing: err}, nil
	}
	return err
}
