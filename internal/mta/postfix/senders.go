package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// Mail that is sent needs two tables.
//
// virtmap-senders says who may send from an address (smtpd_sender_login_maps). The
// restriction senderCheck refuses a user who has logged in for an address of others, and for
// one in no table; it does not look at anyone else. smtpd(8) tries user+detail@domain,
// user@domain and @domain. These are the rows:
//
//	fake@a.example          andrei, carol   a listed address
//	old@a.example           none            a listed address of nobody
//	dora@a.example          dora            with catch_all: local, a user whose name is not listed
//	@a.example              bea             all other addresses
//	@b.example              none            a domain that does not send
//	andrei@mx1.example.net  andrei          an account
//
// none is no user: an inventory cannot declare this name.
//
// virtmap-sender-canonical gives the mail of the sendmail command another sender
// (sender_canonical_maps). Its keys are bare names, because the command completes the name of
// the account with $myorigin, which an inventory does not know. A bare name also matches at
// each domain of mydestination; an address that must stay has a row that leads to itself.

// senderCheck is the restriction that reads virtmap-senders.
const senderCheck = "reject_authenticated_sender_login_mismatch"

// nobody is the user of an address from which nobody may send.
const nobody = "none"

// A sending is what an inventory says about mail that is sent.
type sending struct {
	m      *inventory.Model
	faults *diag.List
	rows   mapfile.Pairs
}

// sendersText returns the text of virtmap-senders. It has no rows unless the inventory asks
// for it. Whether a domain is held back does not matter.
func sendersText(m *inventory.Model, faults *diag.List) *rowText {
	s := &sending{m: m, faults: faults}
	if m.Submission.Authorise {
		rights := senders.Of(m)
		for d := range m.Domains {
			s.domain(rights, d)
		}
		s.accounts(rights)
	}
	return s.text("Senders")
}

// text returns the rows as a text, in the order of inventory.CompareKeys.
func (s *sending) text(what string) *rowText {
	slices.SortFunc(s.rows, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
	r := newRows(s.m, what)
	for _, row := range s.rows {
		r.AddKey(row[0], row[1], 0)
	}
	return r
}

// add adds the row of an address, at each of the names of its domain.
func (s *sending) add(local, domain, value string, pos diag.Pos) {
	for _, name := range namesOf(domain) {
		key := local + "@" + name
		mta.CheckKeyOf(s.m, key, pos, len(domain), checkKeyLong, s.faults)
		s.rows = append(s.rows, [2]string{key, value})
	}
}

// domain adds the rows of a domain.
func (s *sending) domain(rights *senders.Rights, d int) {
	name, pos := s.m.Domains[d].Name, s.m.Domains[d].Pos
	if !rights.Sends(d) {
		s.add("", name, nobody, pos)
		return
	}
	listed := map[string]bool{}
	for right := range rights.In(d) {
		s.add(right.Local, name, owners(right.Users), pos)
		listed[right.Local] = true
		if !right.Own {
			continue
		}
		for i := range s.m.Users {
			if user := s.m.Users[i].Name.Text; !listed[user] {
				s.add(user, name, owners(append(slices.Clone(right.Users), user)), pos)
			}
		}
	}
}

// owners returns users as the value of a row.
func owners(users []string) string {
	if len(users) == 0 {
		return nobody
	}
	users = slices.Sorted(slices.Values(users))
	return strings.Join(slices.Compact(users), ", ")
}

// accounts adds a row for each account, at each name of the host at which no domain decides
// who may send.
func (s *sending) accounts(rights *senders.Rights) {
	_, behind, _ := strings.Cut(s.m.Host.Name.Text, ".")
	names := []string{s.m.Host.Name.Text, localhost, localhost + "." + behind}
	for _, n := range s.m.Host.LocalNames {
		names = append(names, n.Text)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if d, listed := s.m.Domain(name); listed && rights.Sends(d) {
			continue
		}
		for i := range s.m.Users {
			u := &s.m.Users[i]
			s.add(u.Name.Text, name, u.Name.Text, u.Name.Pos)
		}
	}
}

// canonicalText returns the text of virtmap-sender-canonical. It has no rows unless the
// inventory asks for it.
func canonicalText(m *inventory.Model, faults *diag.List) *rowText {
	s := &sending{m: m, faults: faults}
	for i := range m.Users {
		if u := &m.Users[i]; sendsAs(m, u) {
			s.rows = append(s.rows, [2]string{u.Name.Text, u.SendsAs.Text})
			s.checkChain(u)
		}
	}
	if len(s.rows) > 0 {
		s.keep(newDomains(unheld(m)))
	}
	return s.text("Senders of the sendmail command")
}

// keep adds a row for each address with the name of a user of the rows at a domain of
// mydestination, with which the address stays as it is. At the names of the host it is the
// account.
func (s *sending) keep(classes domains) {
	users := slices.Clone(s.rows)
	for d := range s.m.Domains {
		domain := s.m.Domains[d].Name
		if !classes.local(d) || s.m.IsHostName(domain) {
			continue
		}
		for _, name := range namesOf(domain) {
			for _, user := range users {
				s.rows = append(s.rows, [2]string{user[0] + "@" + name, user[0] + "@" + name})
			}
		}
	}
}

// sendsAs reports whether the sendmail command of a user gets another sender.
func sendsAs(m *inventory.Model, u *inventory.User) bool {
	return m.Submission.Rewrite && u.SendsAs.Text != ""
}

// rewrites reports whether the sendmail command of some user gets another sender.
func rewrites(m *inventory.Model) bool {
	return slices.ContainsFunc(m.Users, func(u inventory.User) bool { return sendsAs(m, &u) })
}

// checkChain reports a sender that cleanup(8) looks up again and finds: an address at the
// name of the host, whose local part is a user with another sender.
func (s *sending) checkChain(u *inventory.User) {
	local, domain, _ := mailaddr.Split(u.SendsAs.Text)
	if !s.m.IsHostName(s.m.Meant(domain)) {
		return
	}
	name, detail := mailaddr.CutDetail(local)
	i, known := s.m.User(name)
	if !known || !sendsAs(s.m, &s.m.Users[i]) || s.m.Users[i].SendsAs.Text == u.SendsAs.Text && detail == "" {
		return
	}
	s.faults.Add(checkSendsAsChain.At(u.SendsAs.Pos, len(u.SendsAs.Text), "%s sends as %s, and Postfix goes on from it to %s, as %s sends",
		u.Name.Text, u.SendsAs.Text, s.m.Users[i].SendsAs.Text, name).
		WithHelp("name an address of another domain, or one whose name is no user"))
}
