package inventory

import (
	"strings"
	"testing"
)

// FuzzInsert inserts entries into any text that is an inventory. The result is an
// error, or YAML with every line of the text.
func FuzzInsert(f *testing.F) {
	f.Add("version: 1\nhost: {name: mx1.example.net}\nusers:\n  a: {note: \"}\"} # }\ndomains: {d.example: {addresses: {x: a}}}\n")
	f.Add("users: {}\nlocal_aliases:\n- x\ndomains:\n  d.example:\n    note: |\n      one\n\n      two\n")
	f.Add("version: 1\nhost: {name: mx1.example.net}\nusers: {a}\nlocal_aliases:\ndomains: {d.example: {addresses}, e.example: {addresses: {x: a,}},}\n")
	f.Add("version: 1\nhost: {name: mx1.example.net}\nusers: ~\ndomains:\n  d.example:\n    addresses: null # x\n")
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

// TestInsertIntoBraces has braces in several forms. The result has all old and new
// entries.
func TestInsertIntoBraces(t *testing.T) {
	const head = "version: 1\nhost: {name: mx1.example.net}\n"
	for _, test := range []struct{ it, text, want string }{
		{"goes behind a final comma", "users: {q: , root,}\ndomains: {d.example: {addresses: {q: root,}}}\n",
			"users: {q: , root, u-new: }\ndomains: {d.example: {addresses: {q: root, added: u-new}}}\n"},
		{"goes behind a final comma and a blank", "users: {root: , }\ndomains: {d.example: {addresses: {q: root , }, }, }\n",
			"users: {root: , u-new: }\ndomains: {d.example: {addresses: {q: root , added: u-new }, }, }\n"},
		{"goes behind a final comma on a line of its own", "users: {root: }\ndomains: {\n  d.example: {\n    addresses: {\n      q: root, # a comma, }\n    },\n  },\n}\n",
			"users: {root: , u-new: }\ndomains: {\n  d.example: {\n    addresses: {\n      q: root, # a comma, }\n    added: u-new},\n  },\n}\n"},
		{"passes a comment at the start of a line over", "users: {root: }\ndomains: {d.example: {addresses: {\n# it's } here\nq: root\n}}}\n",
			"users: {root: , u-new: }\ndomains: {d.example: {addresses: {\n# it's } here\nq: root\n, added: u-new}}}\n"},
		{"takes a quote within a text for what it is", "users: {root: {note: 5\" and '6}}\ndomains: {d.example: {note: it's, addresses: {q: root}}}\n",
			"users: {root: {note: 5\" and '6}, u-new: }\ndomains: {d.example: {note: it's, addresses: {q: root, added: u-new}}}\n"},
		{"goes behind a text whose line goes on with a backslash", "users: {root: {note: \"a\\\n\"}}\ndomains: {d.example: {addresses: {q: root}}}\n",
			"users: {root: {note: \"a\\\n\"}, u-new: }\ndomains: {d.example: {addresses: {q: root, added: u-new}}}\n"},
		{"gives a key without a colon a value", "users: {root}\ndomains: {d.example: {addresses}}\n",
			"users: {root, u-new: }\ndomains: {d.example: {addresses: {added: u-new}}}\n"},
		{"gives a key without a value one", "users: {root: }\ndomains: {d.example: {note: x, addresses: , catch_all: reject}}\n",
			"users: {root: , u-new: }\ndomains: {d.example: {note: x, addresses: {added: u-new} , catch_all: reject}}\n"},
		{"gives a key in quotes without a value one", "users: {root: }\ndomains: {d.example: {\"addresses\"}}\n",
			"users: {root: , u-new: }\ndomains: {d.example: {\"addresses\": {added: u-new}}}\n"},
		{"gives a domain without a colon addresses", "users: {root: }\ndomains: {d.example}\n",
			"users: {root: , u-new: }\ndomains: {d.example: {addresses: {added: u-new}}}\n"},
		{"gives a domain of other letters addresses", "users: {root: }\ndomains: {bücher.example: {note: ü, catch_all: root}, d.example: }\n",
			"users: {root: , u-new: }\ndomains: {bücher.example: {note: ü, catch_all: root}, d.example: {addresses: {added: u-new}} }\n"},
		{"puts a mapping in place of null", "users: null # nobody\ndomains: {d.example: {addresses: null, catch_all: reject}}\n",
			"users: # nobody\n  u-new:\ndomains: {d.example: {addresses: {added: u-new}, catch_all: reject}}\n"},
		{"puts a block in place of ~", "users: {root: }\ndomains:\n  d.example: ~\n",
			"users: {root: , u-new: }\ndomains:\n  d.example:\n    addresses:\n      added: u-new\n"},
	} {
		t.Run(test.it, func(t *testing.T) {
			merged, err := Insert(head+test.text, Additions{Users: []Entry{{Text: "u-new:"}}, Addresses: map[string][]Entry{"d.example": {{Text: "added: u-new"}}}})
			if err != nil || merged != head+test.want {
				t.Fatalf("%v\n%s\nand not\n%s", err, merged, head+test.want)
			}
			if m, faults := Parse("mail.yaml", merged); faults.Failed() {
				t.Errorf("%s\n%s", printed(t, m, faults), merged)
			}
		})
	}
}

// TestInsertSparesTexts inserts comments beside keys whose texts have several lines.
func TestInsertSparesTexts(t *testing.T) {
	const text = "version: 1\nusers: {a: {note: \"one\n  two\"}}\ndomains: {b.example: {note: \"first\n  second\"}, d.example: {note: \"third\n  fourth\", addresses: {x: a}}}\n"
	merged, err := Insert(text, Additions{Addresses: map[string][]Entry{"d.example": {{Comments: []string{"# remark"}, Text: "y: a"}}}})
	want := strings.Replace(strings.Replace(text, "domains:", "# remark\ndomains:", 1), "x: a}", "x: a, y: a}", 1)
	if err != nil || merged != want {
		t.Errorf("%v\n%s\nand not\n%s", err, merged, want)
	}
}
