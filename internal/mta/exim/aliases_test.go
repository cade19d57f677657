package exim_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/workshop/peer"
)

// aliasFile has the forms that lsearch reads.
const aliasFile = `# the server's own
postmaster: root
root: andrei
Staff:  andrei,
  # a comment
  carol, "odd name"@far.example
staff: nobody
"quoted": carol
both andrei
self: self, carol
a: b
b: a
gone: :fail: 550 5.1.6 moved away
later: :defer: come back
nothing: :blackhole:
program: "|/usr/bin/program -x"
shop: info@fakemail.example
listed: :include:LIST
`

// TestInstalledFilesFollowTheServersAliases opens installed files beside an alias file.
func TestInstalledFilesFollowTheServersAliases(t *testing.T) {
	etc := peer.SafeDir(t)
	dir := etc + "/exim4/virtmap"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, etc+"/aliases", aliasFile+"included: :include:"+etc+"/list\n")
	put(t, etc+"/list", "# members\ncarol\nroot\n")
	if err := mtatest.Install(exim.Server, example(t), dir); err != nil {
		t.Fatal(err)
	}
	set, err := exim.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: "mx1.example.net", Account: func(name string) bool { return name == "andrei" || name == "carol" }})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	local := set.(mta.Local)
	for name, want := range map[string][]string{
		"andrei": {"andrei"}, "postmaster": {"andrei"}, "staff": {"andrei", "carol", "odd name@far.example"}, "quoted": {"carol"}, "both": {"andrei"},
		"self": {"carol", "self"}, "a": {"a"}, "program": {"|/usr/bin/program -x"}, "root+x": {"andrei"}, "included": {"andrei", "carol"},
		"shop": {"/srv/mail/bea/", "andrei"}, "carol+x": {"carol+x"}, "nothing": nil,
	} {
		if got := local.Ends(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s ends at %q, want %q", name, got, want)
		}
	}
	if !local.Knows("staff") || local.Knows("andrei") {
		t.Error("staff is an alias, and andrei is none")
	}
	for addr, want := range map[string]string{
		"staff@mx1.example.net": "andrei, carol, odd name@far.example", "gone@mx1.example.net": "550 5.1.6 moved away", "later@mx1.example.net": "451 come back",
		"ghost@mx1.example.net": "550 5.1.1 User unknown",
	} {
		if o, steps := set.Route(addr); strings.Join(strings.Fields(o.String()), " ") != want || len(steps) == 0 {
			t.Errorf("%s is %v, want %s (%v)", addr, o, want, steps)
		}
	}
}
