package build

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// Kinds say what changed, of three kinds that a server takes in each its own way.
type Kinds struct{ Map, Names, Config bool }

// kindsOf gives the kinds of some changes. A file that says the same in another way
// counts for nothing: the server needs no restart for it. A file that is none of the
// server's is the main configuration.
func kindsOf(server *mta.Server, changes []publish.Change) (k Kinds) {
	for _, change := range changes {
		if change.Alike {
			continue
		}
		name := mapfile.WithoutSuffix(filepath.Base(change.Path))
		i := slices.IndexFunc(server.Files, func(f mta.File) bool { return f.Name == name })
		switch {
		case i < 0 || server.Files[i].Effect == mta.Rebuild:
			k.Config = true
		case server.Files[i].Effect == mta.Restart:
			k.Names = true
		default:
			k.Map = true
		}
	}
	return k
}

// kinds gives the kinds of some changes of the run.
func (r *run) kinds(changes []publish.Change) Kinds { return kindsOf(r.server, changes) }

// kindWords are the words of the kinds, as the command of OnChange is told.
var kindWords = [...]string{"map", "names", "mc"}

// String gives the words of the kinds with spaces between.
func (k Kinds) String() string {
	var words []string
	for i, is := range [...]bool{k.Map, k.Names, k.Config} {
		if is {
			words = append(words, kindWords[i])
		}
	}
	return strings.Join(words, " ")
}

// parseKinds reads what String gives, and other words between.
func parseKinds(text string) Kinds {
	words := strings.Fields(text)
	has := func(i int) bool { return slices.Contains(words, kindWords[i]) }
	return Kinds{Map: has(0), Names: has(1), Config: has(2)}
}
