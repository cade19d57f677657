package opensmtpd

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// A Build is an inventory in the form of OpenSMTPD. It implements mta.Build.
type Build struct {
	Model *inventory.Model

	rows    rows
	senders table
	kept    kept
}

// A kept has what stays in lists and in the mailboxes until the next build.
type kept struct {
	local, backups []string
	mailboxes      table
}

// table returns the rows of a kind of address. The tables of details are empty unless they
// are asked.
func (b Build) table(k kind) table {
	if k != plain && !b.rows.details {
		return nil
	}
	return b.rows.tables[k]
}

// Compile makes the build of an inventory. What OpenSMTPD cannot do is a fault.
func Compile(m *inventory.Model, faults *diag.List) Build {
	Check(m, faults)
	return Build{Model: m, rows: compile(m, faults), senders: compileSenders(m, faults)}
}

// Texts returns the text of each file, in the order of Files.
func (b Build) Texts() []mta.Text {
	mapping := func(t table, what string) mta.Text {
		r := t.text(mta.Header(b.Model, what))
		return mta.Text{Bytes: r.Bytes(), Rows: r}
	}
	listing := func(entries []string, what string) mta.Text {
		return mta.Text{Bytes: list(mta.Header(b.Model, what), entries)}
	}
	served, local := b.domains()
	senders := mapping(b.senders, "Senders")
	senders.Unused = !b.Model.Submission.Authorise
	return []mta.Text{
		senders,
		mapping(b.mailboxes(), "Mailboxes"),
		mapping(b.table(plain), "Virtual addresses"),
		mapping(b.table(withDetail), "Virtual addresses with a detail"),
		mapping(b.table(emptyDetail), "Virtual addresses with an empty detail"),
		listing(b.rows.listed, "Listed addresses of local domains"),
		listing(b.rows.detail, "Listed addresses with a detail of local domains"),
		listing(b.rows.emptyDetail, "Listed addresses with an empty detail of local domains"),
		listing(b.backups(), "Backup domains"),
		listing(local, "Local domains"),
		listing(served, "Domains with rows"),
		{Bytes: b.conf()},
	}
}

// mailboxes returns the rows of the mailboxes that are elsewhere.
func (b Build) mailboxes() (t table) {
	for i := range b.Model.Users {
		u := &b.Model.Users[i]
		if u.Mailbox.Text == "" {
			continue
		}
		group := u.GID.N
		if group == 0 {
			group = u.UID.N
		}
		owner := strconv.FormatUint(uint64(u.UID.N), 10) + ":" + strconv.FormatUint(uint64(group), 10)
		t = append(t, entry{u.Name.Text, owner + ":" + u.Mailbox.Text, u.Name.Pos})
	}
	t = append(t, b.kept.mailboxes...)
	t.sort()
	return t
}

// domains returns the domains with rows, and those whose other addresses are accounts,
// among them the names of the host, unless they have rows.
func (b Build) domains() (served, local []string) {
	m := b.Model
	tables := effective.Of(m)
	for d := range m.Domains {
		if !tables.HasRows(d) {
			continue
		}
		if to, _ := tables.CatchAll(d); to.Kind == inventory.ToLocal {
			local = append(local, namesOf(m, d)...)
			continue
		}
		served = append(served, namesOf(m, d)...)
	}
	for _, name := range slices.Concat([]string{m.Host.Name.Text}, localhosts(m.Host.Name.Text), localNames(m)) {
		if !slices.Contains(served, name) {
			local = append(local, name)
		}
	}
	local = append(local, b.kept.local...)
	slices.Sort(served)
	slices.Sort(local)
	return served, slices.Compact(local)
}

// localNames returns host.local_names.
func localNames(m *inventory.Model) (names []string) {
	for _, n := range m.Host.LocalNames {
		names = append(names, n.Text)
	}
	return names
}

// backups returns the backup domains.
func (b Build) backups() []string {
	all := append(rowtext.PlainLines(hostnames.Relayed(b.Model).Text()), b.kept.backups...)
	slices.Sort(all)
	return all
}

// MapType returns the type of the maps.
func (b Build) MapType() string { return string(b.Model.Host.Map) }

// Inventory returns the inventory of the build.
func (b Build) Inventory() *inventory.Model { return b.Model }

// Size returns the number of rows of addresses, and the bytes of their text.
func (b Build) Size() (rows int, bytes int64) {
	for _, e := range b.rows.tables[plain] {
		bytes += int64(len(e.key) + len(e.value) + len("\t\n"))
	}
	return len(b.rows.tables[plain]), bytes
}

// Place returns the place in the inventory from which a row was made. Its key is one of
// Set.Rows.
func (b Build) Place(key string) (diag.Pos, bool) {
	for k, of := range tableKeys(key) {
		if e, ok := b.table(k).find(of); ok {
			return e.pos, true
		}
	}
	return 0, false
}

// tableKeys returns the tables that may have a row of Set.Rows, with its key there.
func tableKeys(key string) map[kind]string {
	local, domain := cutAddress(key)
	user, detail, plus := cutDetail("x" + local)
	user = user[1:]
	switch {
	case plus && detail == "+":
		return map[kind]string{withDetail: user + "@" + domain}
	case plus && detail == "*":
		return map[kind]string{emptyDetail: user + "@" + domain}
	case plus:
		return map[kind]string{withDetail: key}
	}
	return map[kind]string{plain: key}
}

// cutAddress cuts an address at its last @.
func cutAddress(addr string) (local, domain string) {
	at := strings.LastIndexByte(addr, '@')
	return addr[:max(at, 0)], addr[at+1:]
}

// Set returns the set that the files would be once they are in place.
func (b Build) Set() mta.Set {
	m := b.Model
	served, local := b.domains()
	return newSet(contents{
		host: m.Host.Name.Text, served: served, local: local, relayed: b.backups(),
		tables:    [3]source{b.table(plain).source(), b.table(withDetail).source(), b.table(emptyDetail).source()},
		mailboxes: b.mailboxes().source(), details: b.rows.details,
		senders: b.senders.source(), authorises: b.Model.Submission.Authorise,
		listed: b.rows.listed, detail: b.rows.detail, empty: b.rows.emptyDetail,
		account: func(name string) bool {
			_, user := m.User(name)
			_, alias := m.LocalAlias(name)
			return user || alias
		},
	})
}

// source returns a sorted table as a source.
func (t table) source() source { return source{t.text("")} }
