package exim

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// nobody is the value of an address from which no user may send: a list without elements,
// whose separator is a semicolon.
const nobody = "<;"

// sendersOf makes the table of senders: for each address from which a user may send, the
// users, and @domain for the addresses that are not listed. The first key that a sender
// has decides, so that a listed address needs no exceptions. The table does not depend on
// which domains are held back.
func sendersOf(m *inventory.Model) *rowtext.Text {
	t := senderTable{m: m}
	if m.Submission.Authorise {
		rights := senders.Of(m)
		for d := range m.Domains {
			if rights.Sends(d) {
				t.domain(d, slices.Collect(rights.In(d)))
			}
		}
		t.accounts(rights)
	}
	slices.SortFunc(t.rows, func(a, b senderRow) int { return inventory.CompareKeys([]byte(a.key), []byte(b.key)) })
	r := rowtext.New(mta.Header(m, "Senders"))
	for _, row := range t.rows {
		r.AddKey(row.key, row.value, row.pos)
	}
	return r
}

// A senderTable is a table of senders that is made.
type senderTable struct {
	m    *inventory.Model
	rows []senderRow
}

type senderRow struct {
	key, value string
	pos        diag.Pos
}

// add adds a row for an address of a domain, under each name of the domain.
func (t *senderTable) add(local, domain string, users []string, pos diag.Pos) {
	names := []string{domain}
	if domain == t.m.Host.Name.Text {
		names = append(names, localhosts(domain)...)
	}
	value := nobody
	if len(users) > 0 {
		value = strings.Join(users, " : ")
	}
	for _, name := range names {
		t.rows = append(t.rows, senderRow{local + "@" + name, value, pos})
	}
}

// domain adds the rows of a domain that sends. The last right is that of the addresses that
// are not listed.
func (t *senderTable) domain(d int, rights []senders.Right) {
	name := t.m.Domains[d].Name
	rest := rights[len(rights)-1]
	listed := map[string]bool{}
	for _, right := range rights[:len(rights)-1] {
		listed[right.Local] = true
		t.add(right.Local, name, right.Users, right.Pos)
	}
	for i := range t.m.Users {
		if user := t.m.Users[i].Name.Text; rest.Own && !listed[user] && !rest.Has(user) {
			t.add(user, name, append(slices.Clip(rest.Users), user), rest.Pos)
		}
	}
	if len(rest.Users) > 0 {
		t.add("", name, rest.Users, rest.Pos)
	}
}

// accounts adds the address of each account, under every name of the server whose domain
// does not send.
func (t *senderTable) accounts(rights *senders.Rights) {
	names := append([]string{t.m.Host.Name.Text}, localNames(t.m)...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if d, listed := t.m.Domain(name); listed && rights.Sends(d) || t.m.Meant(name) != name { // localhost has the rows of the host
			continue
		}
		for i := range t.m.Users {
			user := &t.m.Users[i].Name
			t.add(user.Text, name, []string{user.Text}, user.Pos)
		}
	}
}

// acl returns the list of checks. It names the table of senders by its path, because Exim
// reads the file without macros.
func (b Build) acl() []byte {
	text := snippet(fileACL)
	if !b.Model.Submission.Authorise {
		return text
	}
	at := bytes.Index(text, []byte("deny\n"))
	t := tables[b.MapType()]
	of := t.lookup + "{" + filepath.Join(b.Model.Host.MailDir.Text, fileSenders+t.suffix) + "}"
	return slices.Concat(text[:at], bytes.ReplaceAll(snippet("acl-senders"), []byte("SENDERS"), []byte(of)), text[at:])
}

// sendersMark is in every list of checks that looks senders up.
const sendersMark = "acl_m_virtmap_from"
