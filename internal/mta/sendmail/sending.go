package sendmail

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/senders"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A sending has the tables for mail that is sent. A nil table has no rows.
type sending struct{ senders, generics *rowtext.Text }

// Values of the table of senders.
const (
	mayOK     = "OK"
	mayReject = "REJECT" // any other value than OK ends the search with a refusal
)

// sendingOf makes the tables of an inventory. They do not depend on which domains are held
// back.
func sendingOf(m *inventory.Model) (s sending) {
	if m.Sending() || m.Submission.Authorise {
		s.senders = sendersTable(m)
	}
	if !m.Submission.Rewrite {
		return s
	}
	s.generics = rowtext.New(mta.Header(m, genericsTitle))
	for i := range m.Users { // which are sorted
		if u := &m.Users[i]; u.SendsAs.Text != "" {
			s.generics.Add(u.Name.Text, m.Host.Name.Text, u.SendsAs.Text, 0)
		}
	}
	return s
}

// Titles of the tables.
const (
	sendersTitle  = "Senders"
	genericsTitle = "Addresses of the sendmail command"
)

// A may is a row of a domain: login:address without the domain, and what becomes of it.
type may struct{ key, value string }

// sendersTable makes the table of senders, in the order of inventory.CompareKeys.
func sendersTable(m *inventory.Model) *rowtext.Text {
	table := rowtext.New(mta.Header(m, sendersTitle))
	rights := senders.Of(m)
	domains, at := hostNames(m), map[string]int{}
	for d := range m.Domains {
		if name := m.Domains[d].Name; rights.Sends(d) {
			at[name] = d
			domains = append(domains, name)
		}
	}
	slices.Sort(domains)
	var rows []may
	for _, name := range slices.Compact(domains) {
		if d, sends := at[name]; sends {
			rows = appendSenders(rows[:0], m, rights, d)
		} else {
			rows = appendAccounts(rows[:0], m)
		}
		slices.SortFunc(rows, func(a, b may) int { return strings.Compare(a.key, b.key) })
		for _, row := range slices.Compact(rows) {
			table.Add(row.key, name, row.value, 0)
		}
	}
	return table
}

// hostNames returns the names of the server. localhost becomes its own name before it is
// looked up.
func hostNames(m *inventory.Model) []string {
	names := []string{m.Host.Name.Text}
	for _, name := range m.Host.LocalNames {
		if m.Meant(name.Text) == name.Text {
			names = append(names, name.Text)
		}
	}
	return names
}

// appendAccounts appends the right of each user to the address of the account.
func appendAccounts(rows []may, m *inventory.Model) []may {
	for i := range m.Users {
		name := m.Users[i].Name.Text
		rows = append(rows, may{name + ":" + name, mayOK})
	}
	return rows
}

// appendSenders appends the rows of a domain: login:address, and login: for the addresses
// that are not listed. sendmail asks for the latter after a listed address too, and for user
// after user+detail. So a login with a right to the wider key gets a row that refuses each
// narrower key to which it has no right.
func appendSenders(rows []may, m *inventory.Model, rights *senders.Rights, d int) []may {
	listed := slices.Collect(rights.In(d))
	rest := listed[len(listed)-1]
	listed = listed[:len(listed)-1]
	users := map[string][]string{} // of an address, by local part
	for _, right := range listed {
		users[right.Local] = right.Users
		for _, user := range right.Users {
			rows = append(rows, may{user + ":" + right.Local, mayOK})
		}
	}
	for _, right := range listed {
		wider := rest.Users
		if user, plus := mailaddr.CutDetail(right.Local); plus != "" {
			if of, is := users[user]; is {
				wider = of
			} else if _, declared := m.User(user); rest.Own && declared {
				wider = append(slices.Clip(wider), user)
			}
		}
		for _, user := range wider {
			if !right.Has(user) {
				rows = append(rows, may{user + ":" + right.Local, mayReject})
			}
		}
	}
	for _, user := range rest.Users {
		rows = append(rows, may{user + ":", mayOK})
	}
	if !rest.Own {
		return rows
	}
	for i := range m.Users {
		name := m.Users[i].Name.Text
		if _, is := users[name]; !is && !rest.Has(name) {
			rows = append(rows, may{name + ":" + name, mayOK})
		}
	}
	return rows
}

// asText returns a table as a file.
func asText(table *rowtext.Text, m *inventory.Model, title string, unused bool) mta.Text {
	if table == nil {
		table = rowtext.New(mta.Header(m, title))
	}
	return mta.Text{Bytes: table.Bytes(), Rows: table, Unused: unused}
}

// finding returns the look-up in a table.
func finding(table *rowtext.Text) virtuser.Lookup {
	return func(key []byte) (value []byte, ok bool, err error) {
		i, ok := mta.FindRow(table, key)
		if ok {
			_, value = table.Row(i)
		}
		return value, ok, nil
	}
}
