package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/regular"
)

// sayAssumed says what an import of a copy takes from this machine, because neither the
// copy nor a flag has it.
func (a *importArgs) sayAssumed(dir string, kind *mta.Server, facts *mta.Facts, stdio Stdio) {
	whole, err := filepath.Abs(dir)
	if dir == "" || len(a.from.Value()) > 0 || err == nil && regular.SamePath(whole, kind.Dir) {
		return
	}
	var taken, flags []string
	if a.installed.host == "" && !facts.HostKnown && !a.named(kind, dir) {
		taken, flags = append(taken, fmt.Sprintf("the name of the server (%s)", facts.Host)), append(flags, "--host NAME")
	}
	if a.passwd {
		taken, flags = append(taken, "its accounts"), append(flags, "--accounts FILE")
	}
	if len(taken) > 0 {
		stdio.tell(fmt.Sprintf("%s does not have %s: taken from this machine; for a copy of another server write %s", dir, strings.Join(taken, " and "), strings.Join(flags, " and ")))
	}
}

// named reports whether the configuration of a folder has the name of its server.
func (a *importArgs) named(kind *mta.Server, dir string) bool {
	if kind.Site == nil {
		return false
	}
	site, err := kind.Site(dir)
	return err == nil && site.Name != ""
}

// sayChosen says which server is imported if this machine has files of several.
func sayChosen(kind *mta.Server, stdio Stdio) {
	var others []string
	for _, s := range servers.All {
		if s != kind && filesIn(s, s.Dir) > 0 {
			others = append(others, s.Name+" in "+s.Dir)
		}
	}
	if len(others) > 0 {
		stdio.tell(fmt.Sprintf("reads %s in %s; there is %s too, which --kind names", kind.Name, kind.Dir, strings.Join(others, " and ")))
	}
}
