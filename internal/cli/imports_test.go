package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed are the rooms that a room may import; beside these only the
// standard library and, where named, one dependency.
var allowed = map[string][]string{
	"virtmap":                              {"virtmap/internal/cli"},
	"virtmap/contrib":                      {},
	"virtmap/inventory":                    {"virtmap/internal/diag", "virtmap/internal/mailaddr", "gopkg.in/yaml.v3"},
	"virtmap/virtuser":                     {"virtmap/inventory", "virtmap/internal/diag", "virtmap/internal/mailaddr", "virtmap/internal/outcome"},
	"virtmap/hostnames":                    {"virtmap/inventory", "virtmap/mxcheck", "virtmap/internal/mailaddr", "virtmap/internal/diag"},
	"virtmap/mxcheck":                      {"virtmap/internal/mailaddr"},
	"virtmap/mxcheck/resolve":              {"virtmap/mxcheck", "virtmap/internal/mailaddr", "github.com/miekg/dns", "golang.org/x/time/rate"},
	"virtmap/internal/diag":                {},
	"virtmap/internal/mmap":                {},
	"virtmap/internal/parallel":            {},
	"virtmap/internal/regular":             {},
	"virtmap/internal/mailaddr":            {"golang.org/x/net/idna"},
	"virtmap/internal/hashdb":              {},
	"virtmap/internal/mapfile":             {"virtmap/internal/hashdb", "github.com/colinmarc/cdb"},
	"virtmap/internal/mta/sendmail/mcfile": {"virtmap/internal/diag"},
	"virtmap/internal/mta/sendmail/conf":   {"virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta/sendmail/mcfile"},
	"virtmap/internal/mta":                 {"virtmap/internal/diag", "virtmap/internal/mapfile", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/mta/sendmail":        {"virtmap/hostnames", "virtmap/internal/diag", "virtmap/internal/fileset", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/mta/sendmail/conf", "virtmap/internal/mta/sendmail/mcfile", "virtmap/internal/mta/sendmail/program", "virtmap/internal/mta/sendmail/safefile", "virtmap/internal/outcome", "virtmap/internal/publish", "virtmap/inventory", "virtmap/virtuser"},
	"virtmap/internal/mta/servers":         {"virtmap/internal/mta", "virtmap/internal/mta/sendmail"},
	"virtmap/internal/mta/mtatest": {"virtmap/internal/diag", "virtmap/internal/fileset", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/promise",
		"virtmap/internal/publish", "virtmap/internal/workshop/memfs", "virtmap/internal/workshop/sample", "virtmap/inventory"},
	"virtmap/internal/publish":               {},
	"virtmap/internal/smtpd":                 {},
	"virtmap/internal/promise":               {"virtmap/inventory", "virtmap/internal/outcome"},
	"virtmap/internal/endtoend":              {"virtmap/internal/mailaddr", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/promise", "virtmap/internal/smtpd"},
	"virtmap/internal/change":                {"virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/manual":                {},
	"virtmap/internal/workshop/measure":      {},
	"virtmap/internal/workshop/memfs":        {"virtmap/internal/publish"},
	"virtmap/internal/mta/sendmail/safefile": {},
	"virtmap/cmd/release":                    {},
	"virtmap/internal/outcome":               {},
	"virtmap/internal/report":                {"virtmap/internal/diag"},
	"virtmap/internal/mta/sendmail/program":  {"virtmap/internal/outcome"},
	"virtmap/internal/lint":                  {"virtmap/internal/promise", "virtmap/internal/mailaddr", "virtmap/inventory", "virtmap/virtuser", "virtmap/hostnames", "virtmap/internal/mta/sendmail/mcfile", "virtmap/internal/diag"},
	"virtmap/internal/fileset":               {"virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/publish"},
	"virtmap/internal/workshop/sample":       {"virtmap/inventory", "virtmap/internal/mailaddr"},
	"virtmap/internal/workshop/peer":         {},
	"virtmap/internal/importer":              {"virtmap/inventory", "virtmap/virtuser", "virtmap/internal/diag", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta/sendmail", "virtmap/internal/mta/sendmail/mcfile", "virtmap/internal/outcome", "virtmap/internal/promise"},
	"virtmap/internal/cli": {"virtmap/inventory", "virtmap/virtuser", "virtmap/internal/diag", "virtmap/internal/fileset", "virtmap/internal/importer", "virtmap/internal/lint", "virtmap/internal/manual",
		"virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta/sendmail/mcfile", "virtmap/internal/mta", "virtmap/internal/mta/sendmail", "virtmap/internal/mta/sendmail/conf", "virtmap/internal/publish",
		"virtmap/hostnames", "virtmap/mxcheck", "virtmap/mxcheck/resolve", "virtmap/internal/endtoend", "virtmap/internal/outcome", "virtmap/internal/promise", "virtmap/internal/smtpd", "virtmap/internal/report", "virtmap/internal/mta/sendmail/program", "virtmap/internal/change", "github.com/rogpeppe/go-internal/diff",
		"github.com/urfave/cli/v2", "golang.org/x/term", "github.com/schollz/progressbar/v3"},
}

// everywhere are rooms that stand for what the standard library has not.
var everywhere = []string{"virtmap/internal/mmap", "virtmap/internal/parallel", "virtmap/internal/regular"}

// TestImportsPointOneWay holds the rooms to the directions they were given.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "virtmap/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		rooms, known := allowed[fields[0]]
		if !known {
			t.Errorf("%s is a room without rules: add it here", fields[0])
		}
		for _, path := range fields[1:] {
			ours := strings.HasPrefix(path, "virtmap/")
			dependency := strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
			if (ours || dependency) && !slices.Contains(rooms, path) && !slices.Contains(everywhere, path) {
				t.Errorf("%s must not import %s", fields[0], path)
			}
		}
	}
}
