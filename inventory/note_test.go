package inventory

import (
	"maps"
	"slices"
	"testing"
)

// TestNotes: a note is kept for what has it, in whatever shape it is written.
func TestNotes(t *testing.T) {
	const text = `version: 1
host: {name: mx1.example.net, note: not kept}
note: not kept
users:
  andrei: {note: the owner}
  bea: {note: ""}
domains:
  a.example:
    note: [of Ann, "since\n 2009", {until: 2030}]
    x-note: not kept
    addresses:
      info: {to: andrei, note: two  words}
      old: {reject: Gone, note: ~}
    roles: {abuse: {to: bea, note: a role}}
    catch_all: {reject: Nobody, note: nobody else}
`
	m, faults := Parse("mail.yaml", text)
	if faults.Failed() {
		t.Fatalf("%v", faults)
	}
	d := &m.Domains[0]
	for what, c := range map[string]struct{ got, want string }{
		"user":        {m.Notes[m.Users[0].Name.Pos], "the owner"},
		"domain":      {m.Notes[d.Pos], "of Ann, since 2009, until, 2030"},
		"address":     {m.Notes[d.Addresses[0].Pos], "two words"},
		"a null":      {m.Notes[d.Addresses[1].Pos], ""},
		"role":        {m.Notes[d.Roles[0].Pos], "a role"},
		"catch-all":   {m.Notes[d.CatchAll.Pos], "nobody else"},
		"empty":       {m.Notes[m.Users[1].Name.Pos], ""},
		"not a place": {m.Notes[0], ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: the note is %q, want %q", what, c.got, c.want)
		}
	}
	if len(m.Notes) != 5 || !d.Noted || !d.Addresses[0].Noted || d.Addresses[1].Noted {
		t.Errorf("the notes are %q", slices.Sorted(maps.Values(m.Notes)))
	}
}
