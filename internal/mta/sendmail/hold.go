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

// holds returns a function that reports which files of a live folder must wait. With
// these files, sendmail would refuse mail until it also reads the files that they lead
// to. A file that sendmail does not read at all is put in place, so that every file is
// there at the restart.
//
//	virtusertable     waits if its rows lead to aliases that sendmail does not read.
//	                  Its text also waits if sendmail reads a map of another type,
//	                  because make in the folder builds that map from the text.
//	local-host-names  waits if the virtusertable waits or is not read: a domain
//	                  without rows would take mail for every local account. It also
//	                  waits if sendmail does not read virtmap-relay-domains and a name
//	                  of class w moves there.
//	virtmap-aliases   waits together with the virtusertable, if the old rows lead to
//	                  an alias that the new file does not have.
//	virtmap-relay-domains  waits together with local-host-names, if a name moves there.
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

// losesAliases reports whether an installed alias is missing in the new aliases.
func (b Build) losesAliases(dir string) bool {
	next := b.Compiled.Aliases.MapRows()
	path := filepath.Join(dir, mcfile.Aliases)
	if text, err := regular.Read(path, regular.NoLimit); err == nil && len(mapfile.Missing(aliasRows(text), next)) > 0 {
		return true
	}
	for _, typ := range readTypes {
		if typ.Suffix == "" {
			continue
		}
		if image, err := regular.Read(path+typ.Suffix, regular.NoLimit); err == nil && len(mapfile.Missing(mapfile.RowsOf(image), next)) > 0 {
			return true
		}
	}
	return false
}

// losesRelayed reports whether the server will no longer relay mail for an installed
// name.
func (b Build) losesRelayed(dir string) bool {
	text, err := regular.Read(filepath.Join(dir, mcfile.RelayDomains), regular.NoLimit)
	if err != nil {
		return false // without the file no name can leave
	}
	stays := named(hostnames.Relayed(b.Model).All)
	return slices.ContainsFunc(nameLines(text), func(name string) bool { return !stays(name) })
}

// NeedsAliases reports whether rows lead to aliases of virtmap.
func (b Build) NeedsAliases() bool { return len(b.Compiled.Aliases.All) > 0 }

// Needed returns the gaps that matter for this inventory. As long as no row leads to an
// alias of virtmap, sendmail need not read the alias file.
func (b Build) Needed(gaps []conf.Gap) []conf.Gap {
	if b.NeedsAliases() {
		return gaps
	}
	return slices.DeleteFunc(slices.Clone(gaps), func(g conf.Gap) bool { return g.Need == conf.Aliases })
}

// leavesClassW reports whether an installed name of class w becomes a relayed name.
func (b Build) leavesClassW(dir string) bool {
	text, err := regular.Read(filepath.Join(dir, mcfile.HostNames), regular.NoLimit)
	if err != nil {
		return false // without the file no name can leave
	}
	relayed := named(hostnames.Relayed(b.Model).All)
	return slices.ContainsFunc(nameLines(text), relayed)
}
