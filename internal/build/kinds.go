package build

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// Kinds say which kinds of files changed. A server takes each kind in another way. Signer
// are those of the program that signs mail.
type Kinds struct{ Map, Names, Config, Signer bool }

// kindsOf returns the kinds of some changes. A file with the same meaning as before
// does not count, because the server need not be restarted for it. A file that is not
// one of the server's Files is the main configuration. typ is the type of the maps.
func kindsOf(server *mta.Server, typ string, changes []publish.Change) (k Kinds) {
	for _, change := range changes {
		if change.Alike {
			continue
		}
		name := mapfile.WithoutSuffix(filepath.Base(change.Path))
		i := slices.IndexFunc(server.Files, func(f mta.File) bool { return f.Name == name })
		effect := mta.Rebuild
		if i >= 0 {
			effect = server.Files[i].Effect
		}
		if effect == mta.AtOnce && inventory.MapType(typ).IsText() {
			effect = server.TextEffect
		}
		switch effect {
		case mta.Rebuild:
			k.Config = true
		case mta.Restart:
			k.Names = true
		case mta.Signer:
			k.Signer = true
		default:
			k.Map = true
		}
	}
	return k
}

// kinds returns the kinds of some changes of the run.
func (r *run) kinds(changes []publish.Change) Kinds {
	return kindsOf(r.server, r.source.MapType(), changes)
}

// kindWords returns the words of the kinds for the command of OnChange.
func kindWords(server *mta.Server) [4]string {
	return [4]string{"map", "names", server.Words.Changed, "signer"}
}

// In returns the words of the kinds for a server, separated by spaces.
func (k Kinds) In(server *mta.Server) string {
	var words []string
	for i, is := range [...]bool{k.Map, k.Names, k.Config, k.Signer} {
		if is {
			words = append(words, kindWords(server)[i])
		}
	}
	return strings.Join(words, " ")
}

// With returns the kinds of both.
func (k Kinds) With(o Kinds) Kinds {
	return Kinds{k.Map || o.Map, k.Names || o.Names, k.Config || o.Config, k.Signer || o.Signer}
}

// parseKinds reads the words of In, and skips other words.
func parseKinds(text string, server *mta.Server) Kinds {
	words := strings.Fields(text)
	has := func(i int) bool { return slices.Contains(words, kindWords(server)[i]) }
	return Kinds{Map: has(0), Names: has(1), Config: has(2), Signer: has(3)}
}
