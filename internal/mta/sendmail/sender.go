package sendmail

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// A lookups has the tables for mail that is sent. It implements mta.Sending, together with
// the Router of a set.
type lookups struct {
	senders  virtuser.Lookup // nil: logins are not looked up
	rows     eachRow         // of senders; nil: none
	signed   []string        // domains whose mail is signed
	generics virtuser.Lookup // nil: the sendmail command writes the account
}

// Authorises reports whether logins are looked up.
func (l *lookups) Authorises() bool { return l.senders != nil }

// sends returns the outcome of MAIL FROM of a login.
func (l *lookups) sends(r *virtuser.Router, login, from string) (outcome.Outcome, []outcome.Step) {
	if l.senders == nil {
		return outcome.Outcome{Taken: true, Code: 250}, nil
	}
	o := r.Sends(login, from, l.senders)
	return outcome.Outcome{Taken: o.Code == 250, Code: o.Code, Status: o.Status, Text: o.Text}, o.Trace
}

// sendsAs returns the address that the sendmail command writes for a user.
func (l *lookups) sendsAs(r *virtuser.Router, user string) (addr string, steps []outcome.Step, ok bool) {
	if l.generics == nil {
		return "", nil, false
	}
	key := user + "@" + r.Host
	value, hit, err := l.generics([]byte(key))
	return string(value), []outcome.Step{{Table: mcfile.Generics, Key: key, Value: string(value), Hit: hit}}, hit && err == nil
}

// Rights returns who may send from which address.
func (l *lookups) Rights() (all []outcome.Login, err error) {
	if l.rows == nil {
		return nil, nil
	}
	err = l.rows(func(key, value []byte) error {
		if user, from, ok := strings.Cut(string(key), ":"); ok && string(value) == mayOK {
			all = append(all, outcome.Login{User: user, From: from})
		}
		return nil
	})
	mta.SortLogins(all)
	return all, err
}

// Signed returns the domains whose mail is signed.
func (l *lookups) Signed() []string { return l.signed }

// lookups returns the tables of a build.
func (b Build) lookups() (l lookups) {
	if b.Model.Submission.Authorise {
		l.senders = finding(b.sending.senders)
		l.rows = eachOf(b.sending.senders)
	}
	l.signed = dkim.Signed(dkim.SigningTable(b.Model).Bytes)
	if b.Model.Submission.Rewrite {
		l.generics = finding(b.sending.generics)
	}
	return l
}

// Sends returns the outcome of MAIL FROM of a user who has logged in.
func (v *View) Sends(user, from string) (outcome.Outcome, []outcome.Step) {
	return v.sends(v.Router, user, from)
}

// SendsAs returns the address that the sendmail command writes for a user.
func (v *View) SendsAs(user string) (string, []outcome.Step, bool) { return v.sendsAs(v.Router, user) }

// Sends returns the outcome of MAIL FROM of a user who has logged in.
func (s *Installed) Sends(user, from string) (outcome.Outcome, []outcome.Step) {
	return s.sends(s.Router, user, from)
}

// SendsAs returns the address that the sendmail command writes for a user.
func (s *Installed) SendsAs(user string) (string, []outcome.Step, bool) {
	return s.sendsAs(s.Router, user)
}

// loadSending opens the tables for mail that is sent.
func (s *Installed) loadSending(l Layout) (err error) {
	senders, generics, err := l.sending(s.at)
	if err != nil {
		return err
	}
	if text, err := s.read(filepath.Join(l.dir, dkim.SigningTableName), regular.MaxBytes); err == nil { // opendkim may read another table
		s.signed = dkim.Signed(text)
	}
	if s.lookups.senders, s.lookups.rows, err = s.sendingTable(senders); err == nil {
		s.lookups.generics, _, err = s.sendingTable(generics)
	}
	return err
}

// sending returns the tables that the configurations of the server and of the sendmail
// command name; empty: none. Without a configuration, they are those that a build wrote, if
// the lines of that build ask for them. at returns the place of a file.
func (l *Layout) sending(at func(path string) string) (senders, generics string, err error) {
	if l.unsent {
		return "", "", nil
	}
	if l.conf.Path == "" {
		return l.asked(at, mcfile.Include, mcfile.Senders), l.asked(at, mcfile.Submit, mcfile.Generics), nil
	}
	if m, ok := l.conf.Map(mcfile.SenderMap); ok {
		senders = mapfile.WithoutSuffix(m.Path)
	}
	submit, err := l.conf.Submit()
	if err != nil {
		return "", "", err
	}
	if m, ok := submit.Map(conf.GenericsMap); ok {
		generics = mapfile.WithoutSuffix(m.Path)
	}
	return senders, generics, nil
}

// asked returns the path of a table if a file of lines names it.
func (l *Layout) asked(at func(path string) string, lines, table string) string {
	text, _ := regular.Read(at(filepath.Join(l.dir, lines)), regular.MaxBytes) // empty if it is missing
	if strings.Contains(string(text), "/"+table) {
		return filepath.Join(l.dir, table)
	}
	return ""
}

// sendingTable opens a table for mail that is sent; nil: there is none. With a table that is
// missing, every look-up fails.
func (s *Installed) sendingTable(path string) (virtuser.Lookup, eachRow, error) {
	if path == "" {
		return nil, nil, nil
	}
	tables := s.tables
	find, each, err := s.table(path, s.typ, rowtext.Parse)
	s.tables = tables // those of addresses and aliases alone
	if errors.Is(err, fs.ErrNotExist) {
		s.warnings = append(s.warnings, s.at(path)+" is named in the configuration and not there: mail of users who log in waits")
		return func([]byte) ([]byte, bool, error) { return nil, false, fs.ErrNotExist }, nil, nil
	}
	return find, each, err
}
