package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// corners are inventories with two features that affect each other, and addresses for a
// lookup. The head below is put before each.
var corners = []struct{ it, domains, ask string }{
	{"keeps a detail through a user's forward", `
  a.example:
    addresses: {info: {to: games, detail: drop}, info+x: {to: bin, detail: drop}}
  b.example:
    detail: keep
    addresses: {b: list, c: b@b.example, d: {to: c@b.example, detail: drop}}
`, "b@b.example b+x@b.example b+y@b.example c+x@b.example c@b.example d+x@b.example info+x@a.example"},
	{"takes a percent sign literally", `
  a.example:
    addresses: {one: "x%%y@partner.example", two: [games, "x%%y@partner.example"], three: z@b.example}
  b.example: {catch_all: "%1%%1z@partner.example"}
`, "one@a.example two@a.example three@a.example any@b.example any+x@b.example"},
	{"follows fifteen look-ups", chain(15), "any@c00.example any+x@c00.example"},
	{"cuts details at the first plus behind a letter", `
  a.example:
    addresses: {"+*": "%1-%2@relay.example"}
`, "++b@a.example a++b@a.example a+@a.example"},
	{"sends localhost to the host's own table", `
  mx1.example.net:
    addresses: {root: games, postmaster: games, mailer-daemon: bin, info: fake@localhost}
    catch_all: "%1@a.example"
  a.example:
    addresses: {fake: bin, here: info@localhost}
`, "root@localhost info@mx1.example.net here@a.example fake@mx1.example.net any@mx1.example.net"},
}

func chain(n int) string {
	var b strings.Builder
	name := func(i int) string { return "c" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + ".example" }
	for i := range n {
		b.WriteString("\n  " + name(i) + ": {catch_all: {domain: " + name(i+1) + "}}")
	}
	return b.String() + "\n  " + name(n) + ": {catch_all: games}\n"
}

func TestCorners(t *testing.T) {
	p := installed(t)
	root := peer.SafeDir(t)
	for i, corner := range corners {
		t.Run(corner.it, func(t *testing.T) {
			dir := filepath.Join(root, string(rune('a'+i)))
			m, ok := built(t, dir, `version: 1
host: {name: mx1.example.net, local_names: [localhost], mail_dir: `+dir+`}
users: {games: , bin: , sys: , list: {forward: info@a.example}}
domains:`+corner.domains)
			if !ok {
				t.Fatal("it has faults")
			}
			compare(t, p, serve(t, p, dir), m, strings.Fields(corner.ask))
			if t.Failed() {
				rows, _ := os.ReadFile(filepath.Join(dir, "virtusertable"))
				t.Logf("%s", rows)
			}
		})
	}
}
