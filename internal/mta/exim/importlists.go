package exim

import (
	"cmp"
	"fmt"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/imported"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A listed is an Exim with virtual domains of which an inventory is made: an mta.Imported.
// Its rows have the data of the files, and the Router of a virtual answers. The answers of
// Exim that an inventory cannot have become those that an inventory has in their place:
// "Unrouteable address" is "User unknown", and a reply without a status has the usual one.
type listed struct {
	*imported.Base
	virtual
}

// listKinds are the kinds of lists that are judged by the rules of Exim.
var listKinds = []string{"exim-virtual"}

// importLists judges files of virtual domains. What leads to a name says that the name is
// there.
func importLists(l mta.Lists) (mta.Imported, error) {
	s := &listed{Base: imported.New("exim", mta.Host{Name: l.Host, Account: l.Account})}
	s.virtual = virtual{
		value: s.Value, serves: s.Serves, host: l.Host, account: s.DeliversDetail, include: imported.Include,
		local: map[string]bool{l.Host: true, "localhost": true},
	}
	s.Said.Detail, s.Said.DropCaught = inventory.DetailReject, true
	s.Asked["postmaster"] = true // every server has this name
	s.TakeAll(l.Lists, s.take)
	s.Finish()
	for to := range s.Locals(s.Means) {
		name, _, _ := strings.Cut(to, "+")
		s.Asked[name] = true
	}
	return s, nil
}

// take adds a row. The first of two equal keys counts.
func (s *listed) take(row lists.Row) {
	if row.Is == lists.Alias {
		return
	}
	_, domain, ok := mailaddr.Split(row.Key)
	if !ok {
		domain = row.Key
	}
	folded, bad := mailaddr.FoldDomain(domain)
	if bad != nil {
		s.Leave(row, bad.Text, false)
		return
	}
	s.Serve(folded)
	s.Said.Closed[folded] = folded != s.host // an inventory leaves other names there to the accounts
	if row.Is != lists.Address {
		return
	}
	key := mailaddr.Lower(row.Key)
	if !s.Add(key, row.Value, row.Above) {
		if first, _ := s.Value(key); first != row.Value {
			s.Leave(row, "a line before it has the same name, with "+cmp.Or(first, "no value"), false)
		}
	}
}

// Route returns the outcome of mail to an address, with replies that an inventory can have.
func (s *listed) Route(addr string) (outcome.Outcome, []outcome.Step) {
	out, steps := s.virtual.Route(addr)
	return withText(withStatus(out)), steps
}

// withText returns an outcome with the text that an inventory gives to a reply without one.
func withText(o outcome.Outcome) outcome.Outcome {
	switch {
	case o.Taken || o.Text != "":
	case o.Code >= 500:
		o.Text = userUnknown.Text
	default:
		o.Text = "Mailbox is not available now"
	}
	return o
}

// withStatus returns an outcome with the status that an inventory gives to a reply without
// one.
func withStatus(o outcome.Outcome) outcome.Outcome {
	if !o.Taken && !o.NotOurs && o.Text == unrouteable.Text {
		return userUnknown
	}
	return imported.WithStatus(o)
}

// RowOf returns the key of the first row that decided about an address.
func (s *listed) RowOf(_ string, steps []outcome.Step) string { return mta.RowIn(tableVirtual, steps) }

// Means returns what a row says.
func (s *listed) Means(key, data string) (m mta.Meaning) {
	r := readRedirection(data, s.include)
	switch {
	case r.fault != "":
		return mta.Meaning{To: []string{r.fault}} // no inventory takes it
	case r.refuses != nil:
		return mta.Meaning{Refuses: true, Reply: withStatus(*r.refuses)}
	case len(r.members) == 0:
		return mta.Meaning{Refuses: true, Reply: userUnknown}
	}
	have := map[string]bool{}
	for _, one := range r.members {
		to := s.target(key, one)
		if !have[to] {
			have[to] = true
			m.To = append(m.To, to)
		}
	}
	m.List = len(m.To) > 1
	return m
}

// target returns a member as an inventory has it. The router passes over an address that
// leads to itself, and the account with this name gets its mail.
func (s *listed) target(key string, m member) string {
	if m.path != "" {
		return m.path
	}
	_, incoming, _ := mailaddr.Split(key)
	local, domain := s.address(m, incoming)
	addr := local + "@" + domain
	_, row := s.Value(addr)
	switch {
	case s.local[domain] && !s.Serves(domain), addr == key, key == "@"+domain && !row:
		return local
	}
	return addr
}

// Remark says why Exim defers mail because of a value.
func (s *listed) Remark(data string) string {
	if r := readRedirection(data, s.include); r.fault != "" {
		return fmt.Sprintf("it cannot read %q", r.fault)
	}
	return ""
}

// Unused says why no inventory can have the row of a key.
func (s *listed) Unused(key string) string {
	data, _ := s.Value(key)
	r := readRedirection(data, s.include)
	local, _, _ := mailaddr.Split(key)
	switch {
	case r.discards:
		return "its mail is thrown away, for which an inventory has no target: refuse it, or name a user"
	case len(r.includes) > 0:
		return "the list in " + r.includes[0] + " is not here: list the members, or put it into the server's aliases"
	case r.refuses == nil && len(r.paths()) > 0:
		return fmt.Sprintf("it leads to %s: put it into the server's aliases, and its name here", r.paths()[0])
	case strings.Contains(data, "$"):
		return "the $ in it is followed only by a router with ${expand:…}: the same name at another domain is catch_all: {domain: …}"
	case strings.HasSuffix(local, "++") || strings.HasSuffix(local, "+*"):
		return "in an inventory the name would stand for every detail"
	}
	return ""
}

// Pair prepares the comparison with the files of a build.
func (s *listed) Pair(built mta.Set) (mta.Pair, error) { return mta.NewPair(s, built), nil }

// Reason says why an outcome differs because of what Exim does.
func (s *listed) Reason(address string, old, next outcome.Outcome) string {
	local, domain, _ := mailaddr.Split(address)
	switch {
	case domain == s.host && !old.Taken && next.Taken:
		return "an inventory leaves names at the server's own name to its accounts and aliases"
	case old.Taken && len(old.Recipients) == 0 && !next.Taken:
		return "exim takes its mail and returns it to the sender; it is refused at once now"
	case strings.Contains(local, "+"):
		return "what is behind the + is a detail now; to Exim it is a part of the name without local_part_suffix"
	}
	_, steps := s.virtual.Route(address)
	for _, step := range steps {
		if r := readRedirection(step.Value, s.include); r.refuses != nil && len(r.members) > 0 && old.Taken {
			return "exim refuses mail to " + step.Key + ", and sends mail to a list with it to the members before its :fail:"
		}
	}
	return ""
}
