package sendmail

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// holds gives the files of a live folder that must wait: with them sendmail would
// refuse mail as long as it does not read what they lead to. A file that it does not
// read itself is put in place, so that everything is there at the restart.
//
//	virtusertable     waits for the aliases that its rows lead to; its text also
//	                  where the server reads a map of another type, which its own
//	                  make builds of the text
//	local-host-names  waits for the virtusertable: a name without rows is open
//	                  to local accounts; and for virtmap-relay-domains, where a
//	                  name of class w becomes one of those
//	virtmap-aliases   waits with the virtusertable where the rows that stay lead
//	                  to one that the new file has no more
//	virtmap-relay-domains  waits with the names where one of it becomes one of those
func (b Build) holds(dir string, v *conf.Serving) func(name string) bool {
	table := v.MayRead(conf.Table) && !v.Reads(conf.Aliases) && b.NeedsAliases()
	names := v.MayRead(conf.Names) && (table || !v.Reads(conf.Table) || !v.Reads(conf.Relayed) && b.leavesClassW(dir))
	aliases := table && b.losesAliases(dir)
	relayed := names && b.losesRelayed(dir)
	return func(name string) bool {
		switch {
		case name == mcfile.HostNames:
			return names
		case name == mcfile.Virtusertable:
			return table || v.OtherType() && !v.Reads(conf.Aliases) && b.NeedsAliases()
		case strings.HasPrefix(name, mcfile.Virtusertable):
			return table
		case strings.HasPrefix(name, mcfile.Aliases):
			return aliases
		}
		return name == mcfile.RelayDomains && relayed
	}
}

// losesAliases reports whether an installed alias is none of the new ones.
func (b Build) losesAliases(dir string) bool {
	next := b.Compiled.Aliases.MapRows()
	path := filepath.Join(dir, mcfile.Aliases)
	if text, err := regular.Read(path, regular.NoLimit); err == nil && len(mapfile.Missing(aliasRows(text), next)) > 0 {
		return true
	}
	for _, typ := range mapfile.Types {
		if typ.Suffix == "" {
			continue
		}
		if image, err := regular.Read(path+typ.Suffix, regular.NoLimit); err == nil && len(mapfile.Missing(mapfile.RowsOf(image), next)) > 0 {
			return true
		}
	}
	return false
}

// losesRelayed reports whether mail for an installed name is relayed no more.
func (b Build) losesRelayed(dir string) bool {
	text, err := regular.Read(filepath.Join(dir, mcfile.RelayDomains), regular.NoLimit)
	if err != nil {
		return false // there is none that could leave
	}
	stays := named(hostnames.Relayed(b.Model).All)
	return slices.ContainsFunc(nameLines(text), func(name string) bool { return !stays(name) })
}

// NeedsAliases reports whether rows lead to aliases of ours.
func (b Build) NeedsAliases() bool { return len(b.Compiled.Aliases.All) > 0 }

// Needed are the gaps that matter to the inventory as it is: our alias file need not
// be read while no row leads to an alias in it.
func (b Build) Needed(gaps []conf.Gap) []conf.Gap {
	if b.NeedsAliases() {
		return gaps
	}
	return slices.DeleteFunc(slices.Clone(gaps), func(g conf.Gap) bool { return g.Need == conf.Aliases })
}

// leavesClassW reports whether an installed name of class w becomes one that mail
// is relayed for.
func (b Build) leavesClassW(dir string) bool {
	text, err := regular.Read(filepath.Join(dir, mcfile.HostNames), regular.NoLimit)
	if err != nil {
		return false // there is none that could leave
	}
	relayed := named(hostnames.Relayed(b.Model).All)
	return slices.ContainsFunc(nameLines(text), relayed)
}
