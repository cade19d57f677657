package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/servers"
)

// allowed are the rooms that a room may import; beside these only the
// standard library and, where named, one dependency. The rooms of mail servers have
// ofServer and ofProgram, so that a further server needs no line here.
var allowed = map[string][]string{
	"virtmap":             {"virtmap/internal/cli"},
	"virtmap/cmd/release": {"virtmap/docs"},
	"virtmap/contrib":     {},
	"virtmap/docs":        {},
	"virtmap/hostnames":   {"virtmap/internal/diag", "virtmap/internal/mailaddr", "virtmap/inventory", "virtmap/mxcheck"},
	"virtmap/internal/build": {"virtmap/hostnames", "virtmap/internal/change", "virtmap/internal/diag", "virtmap/internal/endtoend", "virtmap/internal/fileset",
		"virtmap/internal/lint", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/promise",
		"virtmap/internal/publish", "virtmap/internal/senders", "virtmap/inventory", "virtmap/mxcheck", "virtmap/mxcheck/resolve"},
	"virtmap/internal/change": {"virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/cli": {"github.com/rogpeppe/go-internal/diff", "github.com/schollz/progressbar/v3", "github.com/urfave/cli/v2", "golang.org/x/term", "virtmap/docs",
		"virtmap/hostnames", "virtmap/internal/build", "virtmap/internal/change", "virtmap/internal/diag", "virtmap/internal/endtoend", "virtmap/internal/fileset",
		"virtmap/internal/importer", "virtmap/internal/lint", "virtmap/internal/listing", "virtmap/internal/lists", "virtmap/internal/mailaddr", "virtmap/internal/manual",
		"virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/mta/sendmail", "virtmap/internal/mta/sendmail/conf", "virtmap/internal/mta/sendmail/mcfile",
		"virtmap/internal/mta/sendmail/program", "virtmap/internal/mta/servers", "virtmap/internal/outcome", "virtmap/internal/page", "virtmap/internal/promise",
		"virtmap/internal/publish", "virtmap/internal/report", "virtmap/internal/senders", "virtmap/internal/smtpd", "virtmap/internal/webmail", "virtmap/inventory",
		"virtmap/mxcheck", "virtmap/mxcheck/resolve", "virtmap/sending", "virtmap/virtuser"},
	"virtmap/internal/diag":      {},
	"virtmap/internal/effective": {"virtmap/internal/diag", "virtmap/internal/mailaddr", "virtmap/inventory"},
	"virtmap/internal/endtoend":  {"virtmap/internal/mailaddr", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/promise", "virtmap/internal/smtpd"},
	"virtmap/internal/fileset":   {"virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/publish"},
	"virtmap/internal/follow":    {"virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/mailaddr", "virtmap/inventory"},
	"virtmap/internal/hashdb":    {},
	"virtmap/internal/importer": {"virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/lists", "virtmap/internal/mailaddr", "virtmap/internal/mapfile",
		"virtmap/internal/mta", "virtmap/internal/outcome", "virtmap/internal/promise", "virtmap/inventory"},
	"virtmap/internal/lint": {"virtmap/hostnames", "virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/mailaddr", "virtmap/internal/promise",
		"virtmap/internal/senders", "virtmap/inventory"},
	"virtmap/internal/listing":    {"virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/follow", "virtmap/internal/senders", "virtmap/inventory"},
	"virtmap/internal/lists":      {"virtmap/internal/mailaddr"},
	"virtmap/internal/lmdb":       {},
	"virtmap/internal/mailaddr":   {"golang.org/x/net/idna"},
	"virtmap/internal/manual":     {},
	"virtmap/internal/mapfile":    {"github.com/colinmarc/cdb", "virtmap/internal/hashdb", "virtmap/internal/lmdb"},
	"virtmap/internal/message":    {"golang.org/x/net/html", "golang.org/x/net/html/atom", "golang.org/x/net/html/charset"},
	"virtmap/internal/mmap":       {},
	"virtmap/internal/mta":        {"virtmap/internal/diag", "virtmap/internal/lists", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/mta/before": {"virtmap/internal/fileset", "virtmap/internal/mapfile", "virtmap/internal/mta"},
	"virtmap/internal/mta/dkim":   {"virtmap/internal/mta", "virtmap/internal/mta/rowtext", "virtmap/inventory"},
	"virtmap/internal/mta/imported": {"virtmap/internal/lists", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/mta/rowtext",
		"virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/mta/mtatest": {"virtmap/internal/diag", "virtmap/internal/fileset", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta",
		"virtmap/internal/outcome", "virtmap/internal/promise", "virtmap/internal/publish", "virtmap/internal/workshop/memfs", "virtmap/internal/workshop/sample",
		"virtmap/inventory"},
	"virtmap/internal/mta/postfix/maincf":    {"virtmap/internal/diag"},
	"virtmap/internal/mta/postfix/route":     {"virtmap/internal/mailaddr", "virtmap/internal/mta/postfix/table", "virtmap/internal/outcome"},
	"virtmap/internal/mta/postfix/table":     {"virtmap/internal/mapfile", "virtmap/internal/mta"},
	"virtmap/internal/mta/rowtext":           {"virtmap/internal/diag", "virtmap/internal/mapfile", "virtmap/inventory"},
	"virtmap/internal/mta/sendmail":          {"virtmap/internal/publish", "virtmap/virtuser"},
	"virtmap/internal/mta/sendmail/conf":     {"virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/mta/sendmail/mcfile"},
	"virtmap/internal/mta/sendmail/mcfile":   {"virtmap/internal/diag"},
	"virtmap/internal/mta/sendmail/safefile": {},
	"virtmap/internal/mta/servers":           {"virtmap/internal/lint", "virtmap/internal/mta"}, // and the rooms of the servers
	"virtmap/internal/outcome":               {},
	"virtmap/internal/page":                  {"virtmap/hostnames", "virtmap/internal/diag", "virtmap/internal/mailaddr", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/parallel":              {},
	"virtmap/internal/promise":               {"virtmap/internal/diag", "virtmap/internal/outcome", "virtmap/inventory"},
	"virtmap/internal/publish":               {},
	"virtmap/internal/regular":               {},
	"virtmap/internal/report":                {"virtmap/internal/diag"},
	"virtmap/internal/senders":               {"virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/follow", "virtmap/internal/mailaddr", "virtmap/inventory"},
	"virtmap/internal/smtpd":                 {},
	"virtmap/internal/webmail":               {"golang.org/x/net/netutil", "virtmap/internal/message", "virtmap/internal/outcome", "virtmap/internal/smtpd"},
	"virtmap/internal/workshop/browser":      {"virtmap/internal/workshop/peer"},
	"virtmap/internal/workshop/measure":      {},
	"virtmap/internal/workshop/memfs":        {"virtmap/internal/publish"},
	"virtmap/internal/workshop/peer":         {},
	"virtmap/internal/workshop/sample":       {"virtmap/internal/mailaddr", "virtmap/inventory"},
	"virtmap/inventory":                      {"gopkg.in/yaml.v3", "virtmap/internal/diag", "virtmap/internal/mailaddr"},
	"virtmap/mxcheck":                        {"virtmap/internal/mailaddr"},
	"virtmap/mxcheck/resolve":                {"github.com/miekg/dns", "golang.org/x/time/rate", "virtmap/internal/mailaddr", "virtmap/mxcheck"},
	"virtmap/sending":                        {"github.com/emersion/go-msgauth/dmarc", "golang.org/x/net/publicsuffix", "virtmap/internal/mailaddr", "virtmap/mxcheck", "virtmap/sending/spf"},
	"virtmap/sending/spf":                    {"virtmap/internal/mailaddr", "virtmap/mxcheck"},
	"virtmap/virtuser":                       {"virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/follow", "virtmap/internal/mailaddr", "virtmap/internal/outcome", "virtmap/inventory"},
}

// ofServer are the rooms that the room of every mail server may import, beside its
// sub-rooms. ofProgram are those of its sub-room program.
var (
	ofServer = []string{"virtmap/hostnames", "virtmap/internal/diag", "virtmap/internal/effective", "virtmap/internal/fileset", "virtmap/internal/follow",
		"virtmap/internal/lists", "virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/mta", "virtmap/internal/mta/before", "virtmap/internal/mta/dkim",
		"virtmap/internal/mta/imported", "virtmap/internal/mta/rowtext", "virtmap/internal/outcome", "virtmap/internal/senders", "virtmap/inventory"}
	ofProgram = []string{"virtmap/internal/mailaddr", "virtmap/internal/mapfile", "virtmap/internal/outcome", "virtmap/internal/smtpd"}
)

// mayImport returns which rooms a room may import; known is false for a room without
// rules.
func mayImport(room string) (may func(path string) bool, known bool) {
	rooms, known := allowed[room]
	rooms = slices.Concat(rooms, everywhere)
	var own string
	for _, s := range servers.All {
		of := "virtmap/internal/mta/" + s.Name
		switch room {
		case of:
			rooms, own, known = append(rooms, ofServer...), of+"/", true
		case of + "/program":
			rooms, known = append(rooms, ofProgram...), true
		case "virtmap/internal/mta/servers":
			rooms = append(rooms, of)
		}
	}
	return func(path string) bool {
		return slices.Contains(rooms, path) || own != "" && strings.HasPrefix(path, own)
	}, known
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
		may, known := mayImport(fields[0])
		if !known {
			t.Errorf("%s is a room without rules: add it here", fields[0])
		}
		for _, path := range fields[1:] {
			ours := strings.HasPrefix(path, "virtmap/")
			dependency := strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
			if (ours || dependency) && !may(path) {
				t.Errorf("%s must not import %s", fields[0], path)
			}
		}
	}
}
