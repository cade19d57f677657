package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/imported"
	"virtmap/internal/outcome"
)

// A listed is an OpenSMTPD with a table of virtual addresses of which an inventory is made:
// an mta.Imported. The Router of a virtual answers. The answers that an inventory cannot have
// become those that an inventory has in their place: an address without a row is "User
// unknown", and a reply without a status has the usual one.
type listed struct {
	*imported.Base
	virtual
	asWritten map[string]lists.Row // rows by key, before names alone have a row at each domain
	order     []string             // their keys
	given     map[string]bool      // domains of lists of domains; nil: those of the keys count
}

// listKinds are the kinds of lists that are judged by the rules of OpenSMTPD.
var listKinds = []string{"opensmtpd"}

// importLists judges a table of virtual addresses, with a list of the domains that it is for.
// What leads to a name says that the name is there.
func importLists(l mta.Lists) (mta.Imported, error) {
	s := &listed{Base: imported.New("opensmtpd", mta.Host{Name: l.Host, Account: l.Account}), asWritten: map[string]lists.Row{}}
	s.virtual = virtual{
		table: map[string]string{}, serves: s.Serves, account: s.Delivers, known: s.Delivers, include: imported.Include,
		local: map[string]bool{l.Host: true, "localhost": true},
	}
	s.Asked["postmaster"] = true // every server has this name
	s.TakeAll(l.Lists, s.take)
	s.serve()
	for _, key := range s.order {
		s.spread(key)
	}
	s.Finish()
	for name := range s.Locals(s.Means) {
		s.Asked[name] = true
	}
	return s, nil
}

// take keeps a row as it is written. The last of two equal keys counts.
func (s *listed) take(row lists.Row) {
	switch row.Is {
	case lists.Domain:
		if s.given == nil {
			s.given = map[string]bool{}
		}
		if folded, bad := mailaddr.FoldDomain(row.Key); bad == nil {
			s.given[folded] = true
			s.Serve(folded)
		} else {
			s.Leave(row, bad.Text, false)
		}
	case lists.Address:
		key := mailaddr.Lower(row.Key)
		if before, twice := s.asWritten[key]; twice {
			if before.Value != row.Value {
				s.Leave(before, "a line behind it has the same key, with "+row.Value, false)
			}
			s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == key })
		}
		s.asWritten[key] = row
		s.order = append(s.order, key)
	}
}

// serve serves the domains of the keys, unless a list of domains is given.
func (s *listed) serve() {
	for _, key := range s.order {
		row := s.asWritten[key]
		s.table[key] = row.Value
		_, domain, ok := mailaddr.Split(key)
		if !ok || domain == "" || s.given != nil {
			continue
		}
		if folded, bad := mailaddr.FoldDomain(domain); bad == nil && folded == domain {
			s.Serve(domain)
		}
	}
	for _, name := range s.Said.Names {
		s.Said.Closed[name] = name != s.Said.Host // an inventory leaves other names there to the accounts
	}
}

// spread adds the rows of a key. A name alone and @ have one at each domain where no other
// key comes first.
func (s *listed) spread(key string) {
	row := s.asWritten[key]
	name, domain, isAddress := mailaddr.Split(key)
	if isAddress && domain != "" {
		s.add(row, key)
		return
	}
	if len(s.Said.Names) == 0 {
		s.Leave(row, "it stands for every domain of the server: give the list of domains too (--from domains:FILE)", true)
		return
	}
	if s.given == nil && key == s.firstBare() {
		s.Warn("a name alone, and @, count at every domain of the server: here at those that other lines have; --from domains:FILE says which there are")
	}
	for _, domain := range s.Said.Names {
		at := name + "@" + domain
		if key == "@" {
			at = "@" + domain
		}
		if !isAddress {
			at = key + "@" + domain
		}
		user, detail, _ := cutDetail(key)
		_, listed := s.asWritten[at]
		_, first := s.asWritten[user+"@"+domain]
		if !listed && !(detail != "" && first) {
			s.add(row, at)
			row.Above = nil
		}
	}
}

// firstBare returns the first key that holds at every domain.
func (s *listed) firstBare() string {
	at := slices.IndexFunc(s.order, func(key string) bool { return key == "@" || !strings.Contains(key, "@") })
	return s.order[at]
}

// add adds a row, unless smtpd never looks it up.
func (s *listed) add(row lists.Row, key string) {
	_, domain, _ := mailaddr.Split(key)
	folded, bad := mailaddr.FoldDomain(domain)
	switch {
	case bad != nil:
		s.Leave(row, bad.Text, false)
	case folded != domain:
		s.Leave(row, "mail comes to "+folded+", and smtpd looks up the key as it is", false)
	case !s.Serves(domain):
		s.Leave(row, s.Unserved(key), false)
	default:
		s.Add(key, row.Value, row.Above)
	}
}

// Route returns the outcome of mail to an address, with replies that an inventory can have.
func (s *listed) Route(addr string) (outcome.Outcome, []outcome.Step) {
	out, steps := s.virtual.Route(addr)
	hit := slices.ContainsFunc(steps, func(step outcome.Step) bool { return step.Hit })
	if !hit && !out.Taken && !out.NotOurs {
		return userUnknown, steps
	}
	return imported.WithStatus(out), steps
}

// userUnknown is the refusal of an inventory for an address that it does not list.
var userUnknown = outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}

// RowOf returns the key of the first row that decided about an address.
func (s *listed) RowOf(_ string, steps []outcome.Step) string { return mta.RowIn(tableVirtual, steps) }

// Pair prepares the comparison with the files of a build.
func (s *listed) Pair(built mta.Set) (mta.Pair, error) {
	return mta.NewPair(s, built), nil
}

// Reason says why an outcome differs because of what OpenSMTPD does.
func (s *listed) Reason(address string, old, next outcome.Outcome) string {
	_, domain, _ := mailaddr.Split(address)
	w := virtualWay{virtual: &s.virtual}
	w.route(address)
	switch key := mta.RowIn(tableVirtual, w.steps); {
	case domain == s.Said.Host && !old.Taken && next.Taken:
		return "an inventory leaves names at the server's own name to its accounts and aliases"
	case key == "" || old.Taken:
		return ""
	case !next.Taken && w.refused > 1:
		return "several recipients are refused, and the reply is that of another one now"
	case !next.Taken:
		return ""
	case old.Status == expansion.Status:
		return "opensmtpd refuses mail whose way has too many steps, or leads to an address that it does not list"
	}
	return "opensmtpd refuses the mail for all because it refuses it for one of the recipients; the others get it now"
}
