package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
)

// members returns a list of addresses at another server.
func members(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("member%d@far.example", i+1)
	}
	return strings.Join(all, ", ")
}

// TestShorten cuts lists for messages, and nothing else.
func TestShorten(t *testing.T) {
	for list, want := range map[string]string{
		"andrei, bea":                 "andrei, bea",
		members(20):                   "member1@far.example, member2@far.example, … and 18 more",
		"|/bin/" + members(1)[:6]:     "|/bin/member",
		strings.Repeat("x", 200):      strings.Repeat("x", 200),
		"error:" + members(20):        "error:" + members(20),
		`"|/bin/a, b", ` + members(5): `"|/bin/a, b", member1@far.example, … and 4 more`,
	} {
		if got := importer.Shorten(list); got != want {
			t.Errorf("%q is shortened to %q, not to %q", list, got, want)
		}
	}
}

// TestLongListsAreMerged adds lists with one member on a line to inventories.
func TestLongListsAreMerged(t *testing.T) {
	head := "version: 1\nhost: {name: mx1.example.net}\nusers: {root: }\n"
	long := "      - member1@far.example\n      - member2@far.example\n"
	for _, test := range []struct{ it, have, want string }{
		{"goes below addresses", "domains:\n  a.example:\n    addresses:\n      info: root\n", "      # the team\n      team:\n  " + strings.ReplaceAll(long, "\n      ", "\n        ")},
		{"goes into braces", "domains:\n  a.example: {addresses: {info: root}}\n", "# the team\n  a.example: {addresses: {info: root, team: [member1@far.example, member2@far.example, "},
		{"comes with a new domain", "domains:\n  b.example:\n    addresses:\n      info: root\n", "      # the team\n      team:\n  " + strings.ReplaceAll(long, "\n      ", "\n        ")},
		{"gets the detail", "domains:\n  a.example:\n    detail: keep\n    addresses:\n      info: root\n",
			"      team:\n        to:\n    " + strings.ReplaceAll(long, "\n      ", "\n          ")},
	} {
		t.Run(test.it, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, ".", "mail.yaml", head+test.have)
			have, ok := loaded(t)
			if !ok {
				t.Fatal("the inventory has faults")
			}
			list := "# the team\nteam@a.example " + members(6) + "\n@a.example error:5.1.1:\"550 User unknown\"\n"
			server, err := importer.OfList(sendmail.Server, "", "lines", list, account)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := server.ForMerge("import")
			if err != nil {
				t.Fatal(err)
			}
			files, after, err := server.Into(have, inv).Files("mail.yaml", nil, readText)
			if err != nil || len(files) != 1 {
				t.Fatalf("%d files, %v", len(files), err)
			}
			if !strings.Contains(files[0].Text, test.want) {
				t.Errorf("there is no\n%s\nin\n%s", test.want, files[0].Text)
			}
			if out, _ := after.Set().Route("team+x@a.example"); strings.Join(out.Recipients, ", ") != members(6) {
				t.Errorf("team+x goes to %q", out.Recipients)
			}
			if formatted, _, _, err := inventory.Format("mail.yaml", files[0].Text); err != nil || !strings.Contains(formatted, test.want) {
				t.Errorf("fmt makes of it, %v,\n%s", err, formatted)
			}
		})
	}
}
