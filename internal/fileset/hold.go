package fileset

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/mcfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// Hold keeps back the outputs of a live folder that would refuse mail as long as
// the running server does not read what they lead to. What it does not read
// itself is put in place, so that everything is there when it is restarted.
//
//	virtusertable     waits for the aliases that its rows lead to
//	local-host-names  waits for the virtusertable: a name without rows is open
//	                  to local accounts; and for virtmap-relay-domains, where a
//	                  name of class w becomes one of those
func (s Source) Hold(outputs []publish.Output, dir string, v *conf.Serving) {
	table := v.MayRead(conf.Table) && !v.Reads(conf.Aliases) && s.NeedsAliases()
	names := v.MayRead(conf.Names) && (table || !v.Reads(conf.Table) || !v.Reads(conf.Relayed) && s.leavesClassW(dir))
	for i := range outputs {
		out := &outputs[i]
		if out.Shared {
			continue
		}
		switch name := filepath.Base(out.Path); {
		case name == mcfile.HostNames:
			out.Hold = names
		case strings.HasPrefix(name, mcfile.Virtusertable):
			out.Hold = table
		}
	}
}

// NeedsAliases reports whether rows lead to aliases of ours.
func (s Source) NeedsAliases() bool { return len(s.Compiled.Aliases.All) > 0 }

// Needed are the gaps that matter to the inventory as it is: our alias file need not
// be read while no row leads to an alias in it.
func (s Source) Needed(gaps []conf.Gap) []conf.Gap {
	if s.NeedsAliases() {
		return gaps
	}
	return slices.DeleteFunc(slices.Clone(gaps), func(g conf.Gap) bool { return g.Need == conf.Aliases })
}

// leavesClassW reports whether an installed name of class w becomes one that mail
// is relayed for.
func (s Source) leavesClassW(dir string) bool {
	text, err := regular.Read(filepath.Join(dir, mcfile.HostNames), regular.MaxBytes)
	if err != nil {
		return false // there is none that could leave
	}
	relayed := named(hostnames.Relayed(s.Model).All)
	return slices.ContainsFunc(nameLines(text), relayed)
}
