package sendmail

import (
	"regexp"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/virtuser"
)

// Pair prepares the comparison with the files of a build. With them their aliases come
// before those of the server that stay. Routers ask tables in memory where these have
// the rows of the maps. Files for another server are asked by its rules.
func (s *Imported) Pair(built mta.Set) (mta.Pair, error) {
	files, ok := built.(*Installed)
	if !ok { // of another server
		return mta.NewPair(s, built), nil
	}
	rows, err := files.Table()
	if err != nil {
		return mta.Pair{}, err
	}
	old, next := s.set.InMemory(s.table), *files.InMemory(rows)
	s.set.WithSite(&next)
	next.Account = old.Account
	next.Ready()
	before, after := &View{Router: old, Table: s.table}, &View{Router: &next, Table: rows}
	before.served, before.relayed = s.Domains()
	after.served, after.relayed = files.Domains()
	return routed(before, after), nil
}

// routed prepares two views with the same accounts to be compared.
func routed(old, next *View) mta.Pair {
	ends := NewEnds(old.Router, next.Router)
	aliased := func(name string) bool {
		_, was := old.Router.Aliases.Alias(name)
		_, is := next.Router.Aliases.Alias(name)
		return was || is
	}
	return mta.Pair{Old: old, Next: next, Same: ends.Same, SameRole: ends.SameRole, Aliased: aliased}
}

// Both are two builds on this server.
func (s *Imported) Both(old, next mta.Build) mta.Pair {
	if _, ours := old.(Build); !ours {
		return mta.NewPair(old.Set(), next.Set())
	}
	before, after := old.(Build).View(), next.(Build).View()
	a, b := before.Router, after.Router
	ours, theirs := a.Account, b.Account
	account := func(name string) bool { return ours(name) || theirs(name) || s.router.Account(name) }
	for _, r := range []*virtuser.Router{a, b} {
		r.Account, r.Aliases = account, r.Aliases.Before(s.site)
	}
	return routed(before, after)
}

// inBrackets matches what is a comment to sendmail in a text without quotes.
var inBrackets = regexp.MustCompile(`\([^()]*\)`)

func blankless(text string) string { return strings.ReplaceAll(text, " ", "") }

// Reason says why the outcome of an address differs, if that is because of the ways of
// sendmail.
func (s *Imported) Reason(address string, old, next outcome.Outcome) string {
	_, domain, _ := strings.Cut(address, "@")
	refused := !old.Taken && !next.Taken
	text := refused && old.Code == next.Code && old.Status == next.Status // only the text differs
	switch {
	case strings.Contains(address, "@["):
		return "an address of the host is class w by itself, whatever the files say"
	case mta.Unsayable(domain) == "" && s.onlyVirtual(domain) && s.passedOn(address):
		return "class {VirtHost} alone passed on what has no row; the domain is of class w now"
	case refused && strings.HasPrefix(old.Text, "Unbalanced "):
		return "something in the text is opened and not closed, and sendmail answers with that; it is whole now"
	case text && blankless(old.Text) == blankless(next.Text):
		return "sendmail takes blanks out of a text without quotes; it is whole now"
	case text && blankless(old.Text) == blankless(inBrackets.ReplaceAllString(next.Text, "")):
		return "sendmail takes what stands in ( ) out of a text without quotes; it is whole now"
	}
	return ""
}

// passedOn reports whether mail for an address without a row goes to another server.
func (s *Imported) passedOn(address string) bool {
	out := s.router.Route(address)
	return out.NextHost != "" && out.Row() == ""
}
