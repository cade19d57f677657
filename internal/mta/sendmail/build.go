package sendmail

import (
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A Build is an inventory in the form of sendmail. It implements mta.Build.
type Build struct {
	Model    *inventory.Model
	Compiled *virtuser.Compiled

	sending sending
}

// Compile makes the build of an inventory. What sendmail cannot do is a fault.
func Compile(m *inventory.Model, faults *diag.List) Build {
	Check(m, faults)
	return Build{Model: m, Compiled: virtuser.Compile(m, faults), sending: sendingOf(m)}
}

// Settings returns what the lines for sendmail.mc depend on.
func (b Build) Settings() mcfile.Settings {
	host := b.Model.Host
	return mcfile.Settings{MailDir: host.MailDir.Text, Map: string(host.Map), Relay: b.relays(), Senders: b.Model.Submission.Authorise}
}

// relays reports whether the inventory has enabled backup domains. A domain that is
// held back counts too, because DNS must not change the text for sendmail.cf.
func (b Build) relays() bool {
	return slices.ContainsFunc(b.Model.Domains, func(d inventory.Domain) bool { return d.Enabled && d.Backup })
}

// Texts returns the text of each file, in the order of Files.
func (b Build) Texts() []mta.Text {
	return []mta.Text{
		{Bytes: b.Compiled.Aliases.Text(), Rows: b.Compiled.Aliases.MapRows()},
		{Bytes: b.Compiled.Table.Text(), Rows: b.Compiled.Table},
		asText(b.sending.generics, b.Model, genericsTitle, !b.Model.Submission.Rewrite),
		asText(b.sending.senders, b.Model, sendersTitle, !b.Model.Submission.Authorise),
		{Bytes: hostnames.Relayed(b.Model).Text(), Unused: !b.relays()},
		{Bytes: hostnames.ClassW(b.Model).Text()},
		dkim.KeyTable(b.Model),
		dkim.SigningTable(b.Model),
		{Bytes: mcfile.SubmitText(b.Settings(), b.Model.Host.Name.Text, b.Model.Name, b.Model.Submission.Rewrite), Unused: !b.Model.Submission.Rewrite},
		{Bytes: mcfile.Text(b.Settings(), b.Model.Name)},
	}
}

// Inventory returns the inventory of the build.
func (b Build) Inventory() *inventory.Model { return b.Model }

// Size returns the number of rows of the virtusertable, and the bytes of its text.
func (b Build) Size() (rows int, bytes int64) {
	return b.Compiled.Table.Len(), int64(len(b.Compiled.Table.Text()))
}

// edit returns a sendmail.mc with the lines for a build in it, as one block.
func edit(src *diag.Source, b mta.Build, _ bool, faults *diag.List) (text []byte, lines func([]byte) []string) {
	return []byte(mcfile.Edit(src, b.(Build).Settings(), faults)), mcLines
}

// MapType returns the type of the maps.
func (b Build) MapType() string { return string(b.Model.Host.Map) }

// Place returns the place in the inventory from which a row of the virtusertable was
// made.
func (b Build) Place(key string) (diag.Pos, bool) {
	i, ok := b.Compiled.Table.Find([]byte(key))
	if !ok {
		return 0, false
	}
	return b.Compiled.Table.Pos(i), true
}

// Set returns the set that the files would be once they are in place.
func (b Build) Set() mta.Set { return b.View() }

// Router returns a Router over the files of the build. The accounts are the users and
// the local aliases of the inventory.
func (b Build) Router() *virtuser.Router {
	aliases := map[string]string{}
	for key, value := range mapfile.All(b.Compiled.Aliases.MapRows()) {
		aliases[string(mapfile.WithoutNUL(key))] = string(mapfile.WithoutNUL(value))
	}
	r := &virtuser.Router{
		Host:    b.Model.Host.Name.Text,
		ClassW:  named(hostnames.ClassW(b.Model).All),
		Relayed: named(hostnames.Relayed(b.Model).All),
		Rows:    b.Compiled.Table.Lookup,
		Aliases: func(key []byte) ([]byte, bool, error) {
			value, ok := aliases[string(key)]
			return []byte(value), ok, nil
		},
		Account: func(name string) bool {
			_, user := b.Model.User(name)
			_, alias := b.Model.LocalAlias(name)
			return user || alias
		},
	}
	return r.Ready()
}

// Names returns the domains that the server takes mail for: class w and the relayed
// ones.
func (b Build) Names() []string {
	return slices.Concat(texts(hostnames.ClassW(b.Model).All), texts(hostnames.Relayed(b.Model).All))
}

// Takes reports whether the server takes mail for a domain.
func (b Build) Takes(domain string) bool {
	i, ok := b.Model.Domain(domain)
	return ok && b.Model.Domains[i].Enabled && !b.Model.Domains[i].Held || b.Model.IsHostName(domain)
}

func texts(names []inventory.Name) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = n.Text
	}
	return all
}

func named(names []inventory.Name) func(string) bool { return lineSet(texts(names)) }
