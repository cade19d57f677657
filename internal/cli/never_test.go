package cli

import (
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// A wall says that some rooms never reach some others, neither directly nor through
// other rooms. Code for one mail server must not be needed by code for all servers.
type wall struct{ from, to string } // patterns of path.Match below virtmap/

// neutral are the rooms that serve every mail server, and know none of them.
var neutral = []string{
	"inventory", "internal/promise", "internal/effective", "internal/follow", "internal/listing", "internal/fileset", "internal/change", "internal/endtoend", "internal/build", "internal/importer",
	"internal/publish", "internal/smtpd", "internal/message", "internal/webmail", "internal/report", "internal/page", "internal/mapfile", "internal/hashdb", "internal/lmdb", "internal/mta",
}

// further are the walls that are not about neutral rooms.
var further = []wall{
	{"internal/promise", "internal/mta"}, {"internal/promise", "internal/effective"}, {"inventory", "internal/mta"}, {"internal/effective", "internal/mta"}, {"internal/follow", "internal/mta"},
	{"internal/promise", "internal/follow"},
	{"internal/outcome", "*"}, {"internal/outcome", "internal/*"}, {"internal/outcome", "internal/*/*/*"},
	{"mxcheck", "inventory"}, {"internal/smtpd", "inventory"}, {"internal/message", "internal/*"}, {"internal/webmail", "inventory"}, {"internal/build", "internal/cli"},
}

// walls returns all walls: a neutral room reaches no room of a mail server.
func walls() []wall {
	all := slices.Clone(further)
	for _, room := range neutral {
		all = append(all, wall{room, "internal/mta/*"}, wall{room, "internal/mta/*/*"}, wall{room, "virtuser"})
	}
	return all
}

// TestRoomsStayBehindWalls follows the imports of every room to their end.
func TestRoomsStayBehindWalls(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`, "virtmap/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room := strings.TrimPrefix(fields[0], "virtmap/")
		for _, dep := range fields[1:] {
			if to, ours := strings.CutPrefix(dep, "virtmap/"); ours && walled(room, to) {
				broken[room+" "+to] = true
			}
		}
	}
	for _, pair := range slices.Sorted(maps.Keys(broken)) {
		from, to, _ := strings.Cut(pair, " ")
		t.Errorf("%s must never be reached from %s", to, from)
	}
}

func walled(from, to string) bool {
	return slices.ContainsFunc(walls(), func(w wall) bool {
		a, _ := path.Match(w.from, from) // the patterns are well formed
		b, _ := path.Match(w.to, to)
		return a && b
	})
}
