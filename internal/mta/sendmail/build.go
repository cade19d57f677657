package sendmail

import (
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A Build is what an inventory becomes: an mta.Build.
type Build struct {
	Model    *inventory.Model
	Compiled *virtuser.Compiled
}

// Compile makes the build of an inventory. Faults are what sendmail cannot do.
func Compile(m *inventory.Model, faults *diag.List) Build {
	Check(m, faults)
	return Build{Model: m, Compiled: virtuser.Compile(m, faults)}
}

// Settings gives what the lines for sendmail.mc depend on.
func (b Build) Settings() mcfile.Settings {
	host := b.Model.Host
	return mcfile.Settings{MailDir: host.MailDir.Text, Map: string(host.Map), Relay: b.relays()}
}

// relays reports whether there are backup domains, also such that are held
// back: DNS must not change what sendmail.cf has to say.
func (b Build) relays() bool {
	return slices.ContainsFunc(b.Model.Domains, func(d inventory.Domain) bool { return d.Enabled && d.Backup })
}

// Texts gives the text of each of Files.
func (b Build) Texts() []mta.Text {
	return []mta.Text{
		{Bytes: b.Compiled.Aliases.Text(), Rows: b.Compiled.Aliases.MapRows()},
		{Bytes: b.Compiled.Table.Text(), Rows: b.Compiled.Table},
		{Bytes: hostnames.Relayed(b.Model).Text(), Unused: !b.relays()},
		{Bytes: hostnames.ClassW(b.Model).Text()},
		{Bytes: mcfile.Text(b.Settings(), b.Model.Name)},
	}
}

// Inventory is what the build was made of.
func (b Build) Inventory() *inventory.Model { return b.Model }

// Size is the number of rows of the virtusertable, and the bytes of its text.
func (b Build) Size() (rows int, bytes int64) {
	return b.Compiled.Table.Len(), int64(len(b.Compiled.Table.Text()))
}

// edit keeps the lines for a build as a block in a sendmail.mc.
func edit(src *diag.Source, b mta.Build, faults *diag.List) (text []byte, lines func([]byte) []string) {
	return []byte(mcfile.Edit(src, b.(Build).Settings(), faults)), mcLines
}

// MapType is the type of the maps.
func (b Build) MapType() string { return string(b.Model.Host.Map) }

// Place gives the place in the inventory that made a row of the virtusertable.
func (b Build) Place(key string) (diag.Pos, bool) {
	i, ok := b.Compiled.Table.Find([]byte(key))
	if !ok {
		return 0, false
	}
	return b.Compiled.Table.Pos(i), true
}

// Set is the set as if its files were in place.
func (b Build) Set() mta.Set { return b.View() }

// Router routes over what an inventory would become. Local accounts are its
// users and local aliases.
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

// Names are the domains that are taken: class w and the relayed ones.
func (b Build) Names() []string {
	return slices.Concat(texts(hostnames.ClassW(b.Model).All), texts(hostnames.Relayed(b.Model).All))
}

// Takes reports whether mail for a domain is taken.
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
