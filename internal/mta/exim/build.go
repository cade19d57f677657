package exim

import (
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// A Build is an inventory in the form of Exim. It implements mta.Build.
type Build struct {
	Model *inventory.Model

	addresses, senders *rowtext.Text
}

// Compile makes the build of an inventory. What Exim cannot do is a fault.
func Compile(m *inventory.Model, faults *diag.List) Build {
	Check(m, faults)
	return Build{Model: m, addresses: compile(m, faults), senders: sendersOf(m)}
}

// Texts returns the text of each file, in the order of Files.
func (b Build) Texts() []mta.Text {
	table := func(r *rowtext.Text) mta.Text { return mta.Text{Bytes: r.Bytes(), Rows: r} }
	senders := table(b.senders)
	senders.Unused = !b.Model.Submission.Authorise
	return []mta.Text{
		table(b.mailboxes()), table(b.addresses),
		{Bytes: hostnames.Relayed(b.Model).Text()},
		{Bytes: snippet(fileTransports)}, {Bytes: snippet(fileRoutersLast)}, {Bytes: snippet(fileRouters)}, {Bytes: b.acl()},
		senders,
		table(b.domains()),
		{Bytes: b.main()},
	}
}

// mailboxes returns the rows of the mailboxes that are elsewhere.
func (b Build) mailboxes() *rowtext.Text {
	r := rowtext.New(mta.Header(b.Model, "Mailboxes"))
	for i := range b.Model.Users {
		if u := &b.Model.Users[i]; u.Mailbox.Text != "" {
			r.AddKey(u.Name.Text, u.Mailbox.Text, u.Name.Pos)
		}
	}
	return r
}

// domains returns the domains with rows, each with the name that its rows have: the names
// that mean the host have those of the host.
func (b Build) domains() *rowtext.Text {
	r := rowtext.New(mta.Header(b.Model, "Domains with rows"))
	host := b.Model.Host.Name.Text
	for _, name := range hostnames.ClassW(b.Model).All {
		if d, served := b.Model.Serves(name.Text); served && !b.Model.Domains[d].Held {
			r.AddKey(name.Text, name.Text, name.Pos)
		}
	}
	if d, served := b.Model.Serves(host); served && !b.Model.Domains[d].Held {
		for _, name := range localhosts(host) {
			r.AddKey(name, host, 0)
		}
	}
	return r
}

// localhosts returns the names that mean the host.
func localhosts(host string) []string {
	_, behind, _ := strings.Cut(host, ".")
	return []string{"localhost", "localhost." + behind}
}

// MapType returns the type of the maps.
func (b Build) MapType() string { return string(b.Model.Host.Map) }

// Inventory returns the inventory of the build.
func (b Build) Inventory() *inventory.Model { return b.Model }

// Size returns the number of rows of addresses, and the bytes of their text.
func (b Build) Size() (rows int, bytes int64) {
	return b.addresses.Len(), int64(len(b.addresses.Bytes()))
}

// Place returns the place in the inventory from which a row of addresses was made.
func (b Build) Place(key string) (diag.Pos, bool) {
	i, ok := mta.FindRow(b.addresses, []byte(key))
	if !ok {
		return 0, false
	}
	return b.addresses.Pos(i), true
}

// Set returns the set that the files would be once they are in place.
func (b Build) Set() mta.Set {
	m := b.Model
	return newSet(contents{
		host: m.Host.Name.Text, local: localNames(m), relayed: rowtext.PlainLines(hostnames.Relayed(m).Text()),
		domains: sortedRows(b.domains()), addresses: sortedRows(b.addresses), mailboxes: sortedRows(b.mailboxes()),
		senders: sortedRows(b.senders), authorises: m.Submission.Authorise,
		account: func(name string) bool {
			_, user := m.User(name)
			_, alias := m.LocalAlias(name)
			return user || alias
		},
	})
}

// localNames returns host.local_names.
func localNames(m *inventory.Model) (names []string) {
	for _, n := range m.Host.LocalNames {
		names = append(names, n.Text)
	}
	return names
}
