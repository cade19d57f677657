package sendmail

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// A sending has the tables for mail that is sent.
type sending struct{ senders, generics table }

// A table is a small table, sorted by inventory.CompareKeys.
type table mapfile.Pairs

// Values of the table of senders.
const (
	mayOK     = "OK"
	mayReject = "REJECT" // any other value than OK ends the search with a refusal
)

// sendingOf makes the tables of an inventory. They do not depend on which domains are held
// back.
func sendingOf(m *inventory.Model) (s sending) {
	if !m.Sending() && !m.Submission.Authorise {
		return s
	}
	rights := senders.Of(m)
	for d := range m.Domains {
		s.senders = appendSenders(s.senders, m, rights, d)
	}
	for _, host := range append(hostNames(m), m.Host.Name.Text) {
		if d, listed := m.Domain(host); listed && rights.Sends(d) {
			continue
		}
		for i := range m.Users {
			name := m.Users[i].Name.Text
			s.senders = append(s.senders, [2]string{name + ":" + name + "@" + host, mayOK})
		}
	}
	for i := range m.Users {
		if u := &m.Users[i]; u.SendsAs.Text != "" && m.Submission.Rewrite {
			s.generics = append(s.generics, [2]string{u.Name.Text + "@" + m.Host.Name.Text, u.SendsAs.Text})
		}
	}
	s.senders.sort()
	s.generics.sort()
	return s
}

// hostNames returns the further names of the server.
func hostNames(m *inventory.Model) (names []string) {
	for _, name := range m.Host.LocalNames {
		if name.Text != m.Host.Name.Text && m.Meant(name.Text) == name.Text { // localhost becomes $j before it is looked up
			names = append(names, name.Text)
		}
	}
	return names
}

// appendSenders appends the rows of a domain: login:address, and login:@domain for the
// addresses that are not listed. sendmail asks for login:@domain after a listed address
// too, and for user after user+detail. So a login with a right to the wider key gets a row
// that refuses each narrower key to which it has no right.
func appendSenders(all table, m *inventory.Model, rights *senders.Rights, d int) table {
	domain := "@" + m.Domains[d].Name
	listed := slices.Collect(rights.In(d))
	if len(listed) == 0 {
		return all
	}
	rest := listed[len(listed)-1]
	listed = listed[:len(listed)-1]
	may := map[string][]string{} // the users of an address, by local part
	for _, right := range listed {
		may[right.Local] = right.Users
		for _, user := range right.Users {
			all = append(all, [2]string{user + ":" + right.Local + domain, mayOK})
		}
	}
	for _, right := range listed {
		wider := rest.Users
		if user, plus := mailaddr.CutDetail(right.Local); plus != "" {
			if of, is := may[user]; is {
				wider = of
			} else if _, declared := m.User(user); rest.Own && declared {
				wider = append(slices.Clip(wider), user)
			}
		}
		for _, user := range wider {
			if row := [2]string{user + ":" + right.Local + domain, mayReject}; !slices.Contains(right.Users, user) && (len(all) == 0 || all[len(all)-1] != row) {
				all = append(all, row)
			}
		}
	}
	for _, user := range rest.Users {
		all = append(all, [2]string{user + ":" + domain, mayOK})
	}
	if rest.Own {
		for i := range m.Users {
			if _, is := may[m.Users[i].Name.Text]; !is && !slices.Contains(rest.Users, m.Users[i].Name.Text) {
				all = append(all, [2]string{m.Users[i].Name.Text + ":" + m.Users[i].Name.Text + domain, mayOK})
			}
		}
	}
	return all
}

func (t table) sort() {
	slices.SortFunc(t, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
}

// text returns the table as a file.
func (t table) text(m *inventory.Model, what string, unused bool) mta.Text {
	var text strings.Builder
	text.WriteString(mta.Header(m, what))
	for _, row := range t {
		text.WriteString(rowtext.Line(row[0], row[1]) + "\n")
	}
	return mta.Text{Bytes: []byte(text.String()), Rows: mapfile.Pairs(t), Unused: unused}
}

// lookup finds a row.
func (t table) lookup(key []byte) (value []byte, ok bool, err error) {
	i, ok := slices.BinarySearchFunc(t, key, func(row [2]string, key []byte) int { return inventory.CompareKeys([]byte(row[0]), key) })
	if !ok {
		return nil, false, nil
	}
	return []byte(t[i][1]), true, nil
}
