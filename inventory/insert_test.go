package inventory

import (
	"strings"
	"testing"
)

// FuzzInsert puts entries into any text that is an inventory: what comes of it
// is YAML with every line that was there, or an error.
func FuzzInsert(f *testing.F) {
	f.Add("version: 1\nhost: {name: mx1.example.net}\nusers:\n  a: {note: \"}\"} # }\ndomains: {d.example: {addresses: {x: a}}}\n")
	f.Add("users: {}\nlocal_aliases:\n- x\ndomains:\n  d.example:\n    note: |\n      one\n\n      two\n")
	f.Add("local_aliases: [x, 'it''s]',\n  y]\ndomains:\n  D.Example: &d {catch_all: reject}\n  e.example: *d\n")
	a := Additions{
		Users:        []Entry{{Comments: []string{"# new"}, Text: "u-new:"}},
		LocalAliases: []string{"l-new"},
		Addresses:    map[string][]Entry{"d.example": {{Comments: []string{"# here"}, Text: "added: [u-new, l-new]"}}},
		Domains:      []Entry{{Text: "new.example:\n  addresses:\n    y: u-new\n  catch_all: reject"}},
	}
	f.Fuzz(func(t *testing.T, text string) {
		if m, faults := Parse("mail.yaml", text); faults.Failed() || len(m.Domains) == 0 {
			return
		}
		merged, err := Insert(text, a)
		if err != nil {
			return
		}
		m, faults := Parse("mail.yaml", merged)
		if faults.Failed() {
			t.Fatalf("%q becomes\n%s\n%+v", text, merged, faults.Faults())
		}
		if _, ok := m.Domain("new.example"); !ok || !strings.Contains(merged, "added:") {
			t.Errorf("%q becomes\n%s", text, merged)
		}
	})
}

// TestInsertSparesTexts puts a comment beside keys whose texts go on over lines.
func TestInsertSparesTexts(t *testing.T) {
	const text = "version: 1\nusers: {a: {note: \"one\n  two\"}}\ndomains: {b.example: {note: \"first\n  second\"}, d.example: {note: \"third\n  fourth\", addresses: {x: a}}}\n"
	merged, err := Insert(text, Additions{Addresses: map[string][]Entry{"d.example": {{Comments: []string{"# remark"}, Text: "y: a"}}}})
	want := strings.Replace(strings.Replace(text, "domains:", "# remark\ndomains:", 1), "x: a}", "x: a, y: a}", 1)
	if err != nil || merged != want {
		t.Errorf("%v\n%s\nand not\n%s", err, merged, want)
	}
}
